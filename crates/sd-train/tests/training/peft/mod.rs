//! A LoRA of a tiny model against the same training with PEFT.

use std::ops::Range;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, noise};
use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};
use sd_train::tasks::{Adaptation, TextToLatents};
use sd_train::{AdapterConfig, Objective, Rate, Targets, Task, Trainer, TrainerConfig, Weighting};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    /// Number of trained values.
    weights: usize,
    losses: Vec<f64>,
}

/// Images, captions, timesteps and noise by the rules of `make.py`.
struct Seeded {
    networks: TextToLatents,
    objective: Objective,
}

impl Task<Adaptation> for Seeded {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, model: &Adaptation, draws: &Range<u64>) -> Tensor<1> {
        let named = |name: String| noise(&name, [1, 4, 8, 8], &Device::flex());
        let images: Vec<u64> = draws.clone().map(|draw| draw % 6).collect();
        let x0 = Tensor::cat(images.iter().map(|image| named(format!("train/image/{image}"))).collect(), 0);
        let eps = Tensor::cat(draws.clone().map(|draw| named(format!("train/noise/{draw}"))).collect(), 0);
        let t = draws.clone().map(|draw| (137 * draw as usize + 41) % 1000).collect();
        let caption = |image: &u64| (0..77).map(|place| (7 * *image as u32 + 3 * place) % 300).collect();
        let captions: Vec<Vec<u32>> = images.iter().map(caption).collect();
        let noisy = self.objective.add_noise(x0, t, eps);
        let TextToLatents { text, unet } = model.apply(&self.networks);
        let t: Vec<f64> = noisy.t.iter().map(|&t| t as f64).collect();
        self.objective.losses(&noisy, unet.forward(noisy.x.clone(), &t, &text.forward(&captions).last.into()))
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

#[test]
fn the_losses_of_a_lora_are_those_of_peft() {
    let golden: Golden = serde_json::from_str(include_str!("losses.json")).unwrap();
    let (device, tiny) = (Device::flex(), TinyModel::new(Kind::Sd1));
    let (_, text) = Kind::Sd1.text().remove(0);
    let networks = TextToLatents {
        text: tiny.load("text_encoder", text.init(&device)),
        unet: tiny.load("unet", Kind::Sd1.unet().init(&device)),
    };
    let config = AdapterConfig::new(4, 8.0).with_targets(Targets::All);
    let model = Adaptation::new(&networks, config, Some(config), 0, &device.autodiff());
    assert_eq!(model.num_params(), golden.weights);
    let layers = model.to_layers().into_iter();
    let names: Vec<String> = layers
        .map(|layer| {
            let network = if layer.path.starts_with("text_model.") { "text_encoder" } else { "unet" };
            format!("train/{network}/{}", layer.path)
        })
        .collect();
    let model = model.map(&mut FirstValues { names: names.into_iter(), is_first: false });

    let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap();
    let schedule = NoiseSchedule::from_betas(&betas).unwrap();
    let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
    let mut task = Seeded { networks, objective };
    let constant = Rate::new(2e-3, 0, 20).with_last(2e-3);
    let mut trainer = Trainer::new(model, TrainerConfig::new(constant, 4, 0.0));
    for (step, expected) in golden.losses.into_iter().enumerate() {
        let found = trainer.step(&mut task).unwrap().loss;
        assert!((found - expected).abs() <= 1e-5 * expected, "step {step}: {found} instead of {expected}");
    }
}
