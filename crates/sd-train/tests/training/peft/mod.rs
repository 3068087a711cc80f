//! A LoRA of a tiny model against the same training with PEFT.

use std::ops::Range;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use sd_golden::noise;
use sd_train::tasks::{Adaptation, TextToLatents};
use sd_train::{AdapterConfig, Rate, Targets, Task, Trainer, TrainerConfig};
use sd_weights::{Component, LoraLayer};
use serde::Deserialize;

use crate::seeded::{Seeded, check_losses};

/// What a `make.py` writes of the training of a LoRA.
#[derive(Deserialize)]
pub struct Golden {
    /// Number of trained values.
    pub weights: usize,
    pub losses: Vec<f64>,
}

impl Task<Adaptation> for Seeded {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, model: &Adaptation, draws: &Range<u64>) -> Tensor<1> {
        let (noisy, images) = self.noisy(draws);
        let caption = |image: &u64| (0..77).map(|place| (7 * *image as u32 + 3 * place) % 300).collect();
        let captions: Vec<Vec<u32>> = images.iter().map(caption).collect();
        let TextToLatents { text, unet, .. } = model.apply(&self.networks);
        self.losses(&noisy, |x, t| unet.forward(x, t, &text.forward(&captions).last.into()))
    }
}

/// Gives the first matrices of all layers the values of `make.py`.
struct FirstValues {
    names: std::vec::IntoIter<String>,
    is_first: bool,
}

impl ModuleMapper for FirstValues {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.is_first = !self.is_first;
        if !self.is_first {
            return param;
        }
        let shape = param.val().dims();
        let name = self.names.next().expect("a name for each layer");
        let values = noise(&name, shape, &Device::flex()) / (shape[1] as f64).sqrt();
        Param::initialized(param.id, values.autodiff().require_grad())
    }
}

/// Returns the training of adapters whose first matrices have the values of a `make.py`.
pub fn trainer(model: Adaptation) -> Trainer<Adaptation> {
    let name = |layer: &LoraLayer| {
        let network = match layer.component {
            Component::Unet => "unet",
            Component::TextEncoder => "text_encoder",
            Component::TextEncoder2 => "text_encoder_2",
        };
        format!("train/{network}/{}", layer.path)
    };
    let names: Vec<String> = model.to_layers().iter().map(name).collect();
    let model = model.map(&mut FirstValues { names: names.into_iter(), is_first: false });
    let constant = Rate::new(2e-3, 0, 20).with_last(2e-3);
    Trainer::new(model, TrainerConfig::new(constant, 4, 0.0))
}

#[test]
fn the_losses_of_a_lora_are_those_of_peft() {
    let golden: Golden = serde_json::from_str(include_str!("losses.json")).unwrap();
    let mut task = Seeded::new();
    let config = AdapterConfig::new(4, 8.0).with_targets(Targets::All);
    let model = Adaptation::new(&task.networks, config, Some(config), 0, &Device::flex().autodiff());
    assert_eq!(model.num_params(), golden.weights);
    check_losses(&mut trainer(model), &mut task, &golden.losses);
}
