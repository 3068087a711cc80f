//! Adapters: what they reach, what they leave alone, and that their files mean what was trained.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, FloatDType, Tensor};
use sd_train::tasks::{Adaptation, Adapting, TextToLatents};
use sd_train::{
    AdapterConfig, AdapterKind, Adapters, OptimiserConfig, Rate, Targets, Task, Timesteps, Trainer, TrainerConfig,
    initialise,
};
use sd_unet::Unet;
use sd_weights::{Component, Lora, LoraLayer, LoraNames, OriginalNames, Weights, parameters, save, write_lora};

use crate::learning::{config, diffusion, model, train};
use crate::values::values;
use sd_schedule::Prediction;

const KINDS: [AdapterKind; 4] = [AdapterKind::Lora, AdapterKind::Dora, AdapterKind::LoHa, AdapterKind::LoKr];

fn networks() -> TextToLatents {
    model(&Device::flex())
}

fn settings(kind: AdapterKind) -> AdapterConfig {
    AdapterConfig::new(2, 1.0).with_kind(kind).with_targets(Targets::All)
}

fn adaptation(kind: AdapterKind) -> Adaptation {
    Adaptation::new(&networks(), settings(kind), Some(settings(kind)), 1, &Device::flex().autodiff())
}

fn task(dropout: f64, timesteps: Timesteps) -> Adapting {
    Adapting::new(diffusion(Prediction::X0, timesteps), networks(), dropout, 5)
}

fn uniform() -> Timesteps {
    Timesteps::Uniform { count: 1000 }
}

#[test]
fn adapters_change_no_bit_at_first() {
    let plain = networks();
    for kind in [AdapterKind::Lora, AdapterKind::LoHa, AdapterKind::LoKr] {
        let adapted = adaptation(kind).valid().apply(&plain);
        // −0 may become 0.
        let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| a == b);
        for (found, expected) in values(&adapted).iter().zip(values(&plain)) {
            assert!(same(found.as_slice().unwrap(), expected.as_slice().unwrap()), "{kind:?}");
        }
    }
}

#[test]
fn adapters_of_every_kind_learn() {
    for kind in KINDS {
        let mut trainer = Trainer::new(adaptation(kind), config(60, 1e-2));
        let losses: Vec<f64> = train(&mut trainer, &mut task(0.0, uniform()), 60).iter().map(|p| p.loss).collect();
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (mean(&losses[..10]), mean(&losses[50..]));
        assert!(last < 0.8 * first, "{kind:?}: {first} {last}");
    }
}

#[test]
fn a_resumed_training_of_adapters_is_bit_for_bit_the_one_that_was_not_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let by_loss = || task(0.3, Timesteps::by_loss(2));
    let config = TrainerConfig { passes: 2, workers: 2, ..config(20, 1e-2) };
    let start = || adaptation(AdapterKind::Dora);
    let (mut whole, mut whole_task) = (Trainer::new(start(), config), by_loss());
    let expected = train(&mut whole, &mut whole_task, 20);

    let (mut half, mut half_task) = (Trainer::new(start(), config), by_loss());
    let mut found = train(&mut half, &mut half_task, 10);
    half.save(folder.path(), &half_task).unwrap();
    drop((half, half_task));
    // Another start, which the checkpoint replaces completely.
    let mut task = by_loss();
    let mut resumed = Trainer::resume(initialise(start(), 99), config, folder.path(), &mut task).unwrap();
    found.extend(train(&mut resumed, &mut task, 10));

    assert_eq!(found, expected);
    assert_eq!(Task::<Adaptation>::state(&task), Task::<Adaptation>::state(&whole_task));
    assert_eq!(values(&resumed.averaged()), values(&whole.averaged()));
}

/// Returns the U-Net with a LoRA file merged when it is loaded.
fn merged(unet: &Unet, layers: &[LoraLayer], names: &LoraNames, folder: &Path) -> Unet {
    let [model, lora] = ["unet.safetensors", "lora.safetensors"].map(|name| folder.join(name));
    save(unet, &model, FloatDType::F32).unwrap();
    let metadata = BTreeMap::from([("ss_seed".to_string(), "1".to_string())]);
    write_lora(&lora, layers, names, FloatDType::F32, &metadata).unwrap();
    assert_eq!(Weights::in_file(&lora).unwrap().metadata()["ss_seed"], "1");
    let mut weights = Weights::in_file(&model).unwrap();
    let report = Lora::open(&lora, 1.0).unwrap().merge(&mut [(Component::Unet, &mut weights)]).unwrap();
    assert_eq!((report.matched, report.unmatched), (layers.len(), vec![]));
    weights.load(unet.clone(), FloatDType::F32).unwrap()
}

#[test]
fn a_file_merged_at_load_is_the_change_that_was_trained() {
    let folder = tempfile::tempdir().unwrap();
    let (unet, device) = (networks().unet, Device::flex().autodiff());
    let keys = parameters(&unet);
    for kind in KINDS {
        let adapters = Adapters::new(&unet, Component::Unet, settings(kind), 1, &device);
        let adapters = initialise(adapters, 7).valid();
        let (layers, applied) = (adapters.to_layers(), values(&adapters.apply(&unet)));
        let original = OriginalNames::from_keys(keys.iter().map(|(key, _)| &key[..]));
        for names in [LoraNames::Kohya, LoraNames::KohyaXl(original), LoraNames::Peft] {
            if matches!(names, LoraNames::Peft) && !layers.iter().all(LoraLayer::has_peft_names) {
                continue;
            }
            let merged = values(&merged(&unet, &layers, &names, folder.path()));
            let (mut changed, mut furthest) = (0, 0.0_f32);
            for ((applied, merged), plain) in applied.iter().zip(&merged).zip(values(&unet)) {
                changed += usize::from(*applied != plain);
                let pairs = applied.as_slice::<f32>().unwrap().iter().zip(merged.as_slice::<f32>().unwrap());
                furthest = pairs.fold(furthest, |furthest, (a, b)| furthest.max((a - b).abs() / (1.0 + a.abs())));
            }
            assert_eq!(changed, layers.len(), "{kind:?}");
            assert!(furthest < 1e-6, "{kind:?} {names:?}: {furthest}");
        }
    }
}

/// One layer, with the name of an attention's.
#[derive(Module, Debug)]
struct Network {
    encoder: Layer,
}

#[derive(Module, Debug)]
struct Layer {
    self_attn: Projections,
}

#[derive(Module, Debug)]
struct Projections {
    q_proj: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        let q_proj = LinearConfig::new(3, 3).with_bias(false).init(device);
        initialise(Self { encoder: Layer { self_attn: Projections { q_proj } } }, 1)
    }

    fn weight(&self) -> Tensor<2> {
        self.encoder.self_attn.q_proj.weight.val()
    }
}

/// The distance of the layer's weight from another one, whose differences have the singular values 3, 2 and 1.
struct Approach {
    network: Network,
    target: Tensor<2>,
}

impl Approach {
    fn new() -> Self {
        let network = Network::new(&Device::flex());
        let difference = Tensor::<2>::from_data([[0.0, 3.0, 0.0], [0.0, 0.0, 2.0], [1.0, 0.0, 0.0]], &Device::flex());
        let target = network.weight() + difference;
        Self { network, target }
    }

    fn losses_of(&self, network: &Network, draws: &Range<u64>) -> Tensor<1> {
        assert_eq!(draws.end - draws.start, 3);
        (network.weight() - self.target.clone()).square().sum_dim(1).reshape([3])
    }
}

impl Task<Adapters> for Approach {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, adapters: &Adapters, draws: &Range<u64>) -> Tensor<1> {
        self.losses_of(&adapters.apply(&self.network), draws)
    }
}

impl Task<Network> for Approach {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, network: &Network, draws: &Range<u64>) -> Tensor<1> {
        self.losses_of(network, draws)
    }
}

/// The squared distance after training.
fn distance<M: Module>(model: M) -> f64
where
    Approach: Task<M>,
{
    let rate = Rate::new(5e-2, 0, 600);
    let config = TrainerConfig::new(rate, 3, 0.0).with_optimiser(OptimiserConfig::new().with_weight_decay(0.0));
    let (mut trainer, mut task) = (Trainer::new(model, config), Approach::new());
    for _ in 0..600 {
        trainer.step(&mut task).unwrap();
    }
    3.0 * trainer.step(&mut task).unwrap().loss
}

/// The best approximation of a rank leaves the squares of the smaller singular values (Eckart & Young 1936).
#[test]
fn a_rank_as_large_as_the_matrix_reaches_what_training_the_matrix_reaches() {
    let device = Device::flex().autodiff();
    assert!(distance(Network::new(&device)) < 1e-6);
    for (rank, expected) in [(1, 5.0), (2, 1.0), (3, 0.0)] {
        let config = AdapterConfig::new(rank, rank as f64);
        let adapters = Adapters::new(&Network::new(&Device::flex()), Component::TextEncoder, config, 1, &device);
        assert_eq!(adapters.len(), 1);
        let found = distance(adapters);
        assert!((found - expected).abs() < 1e-3, "rank {rank}: {found} instead of {expected}");
    }
}
