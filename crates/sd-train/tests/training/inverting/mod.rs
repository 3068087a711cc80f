//! Textual inversion of tiny models: against diffusers' script, and what it leaves alone.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use sd_schedule::Prediction;
use sd_train::tasks::{Inverting, PseudoWord, TextToLatents};
use sd_train::{OptimiserConfig, Rate, Task, Timesteps, Trainer, TrainerConfig, initialise};
use serde::Deserialize;

use crate::learning::{config, diffusion, model, train};
use crate::seeded::{Seeded, check_losses};
use crate::values::values;

#[derive(Deserialize)]
struct Golden {
    losses: Vec<f64>,
    /// The values after the last step.
    vectors: Vec<f64>,
}

/// Tokens of the tiny model `sd1`.
const KNOWN: u32 = 518;

impl Task<PseudoWord> for Seeded {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, word: &PseudoWord, draws: &Range<u64>) -> Tensor<1> {
        let (noisy, images) = self.noisy(draws);
        let caption = |image: &u64| {
            let before = (0..5).map(|place| (7 * *image as u32 + 3 * place) % 300);
            before.chain([KNOWN, KNOWN + 1]).chain((0..70).map(|place| 5 * place % 300)).collect()
        };
        let captions: Vec<Vec<u32>> = images.iter().map(caption).collect();
        let context = self.networks.text.forward_with_tokens(&captions, word.vectors()).last;
        self.losses(&noisy, |x, t| self.networks.unet.forward(x, t, &context.into()))
    }
}

#[test]
fn the_losses_and_vectors_of_a_word_are_those_of_diffusers() {
    let golden: Golden = serde_json::from_str(include_str!("losses.json")).unwrap();
    let mut task = Seeded::new();
    let word = PseudoWord::new(&task.networks.text, &[77], 2, &Device::flex().autodiff());
    let constant = Rate::new(5e-2, 0, 20).with_last(5e-2);
    // The script does not clip.
    let optimiser = OptimiserConfig::new().with_clip_norm(1e9);
    let mut trainer = Trainer::new(word, TrainerConfig::new(constant, 4, 0.0).with_optimiser(optimiser));
    check_losses(&mut trainer, &mut task, &golden.losses);
    let vectors: Vec<f64> = trainer.averaged().vectors().into_data().iter().collect();
    let furthest = vectors.iter().zip(&golden.vectors).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(vectors.len() == golden.vectors.len() && furthest < 1e-4, "{furthest}");
}

fn networks() -> TextToLatents {
    model(&Device::flex())
}

/// Every image has the token `id` as its caption; 12 is the word.
fn inverting(id: u32, timesteps: Timesteps) -> Inverting {
    let diffusion = diffusion(Prediction::X0, timesteps).with_templates(vec![vec![10, id, 11]]);
    Inverting::new(diffusion, networks())
}

fn word() -> PseudoWord {
    PseudoWord::new(&networks().text, &[4], 1, &Device::flex().autodiff())
}

#[test]
fn a_new_word_means_at_first_what_its_token_means() {
    let losses = |id| {
        let task = inverting(id, Timesteps::Uniform { count: 1000 });
        task.losses(&word(), &task.batch(0..4)).inner().into_data()
    };
    losses(12).assert_eq(&losses(4), true);
}

#[test]
fn vectors_spread_over_the_tokens_of_their_word() {
    let text = networks().text;
    let vectors = |ids: &[u32], count| PseudoWord::new(&text, ids, count, &Device::flex()).vectors().into_data();
    for (ids, count, expected) in
        [(&[4, 7][..], 2, &[4, 7][..]), (&[4], 3, &[4, 4, 4]), (&[4, 7], 4, &[4, 4, 7, 7]), (&[1, 2], 3, &[1, 1, 2])]
    {
        vectors(ids, count).assert_eq(&text.token_vectors(expected).into_data(), true);
    }
}

/// The distance of what the text encoder makes of a word from what it makes of the token 7.
struct Approach(TextToLatents);

impl Task<PseudoWord> for Approach {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, word: &PseudoWord, _draws: &Range<u64>) -> Tensor<1> {
        let prompts = |id: u32| [vec![10, id, 11], vec![id, 3, id], vec![5, 2, id]];
        let target = self.0.text.forward(&prompts(7)).last;
        let found = self.0.text.forward_with_tokens(&prompts(12), word.vectors()).last;
        (found - target).square().flatten::<2>(1, 2).mean_dim(1).squeeze_dim(1)
    }
}

#[test]
fn a_word_finds_the_vector_of_the_token_that_it_is_to_stand_for() {
    let rate = Rate::new(2e-2, 0, 300);
    let config = TrainerConfig::new(rate, 3, 0.0).with_optimiser(OptimiserConfig::new().with_weight_decay(0.0));
    let (mut trainer, mut task) = (Trainer::new(word(), config), Approach(networks()));
    let losses: Vec<f64> = train(&mut trainer, &mut task, 300).iter().map(|progress| progress.loss).collect();
    assert!(losses[299] < 1e-4 * losses[0], "{} {}", losses[0], losses[299]);
    let [found, expected] = [trainer.averaged().vectors(), networks().text.token_vectors(&[7])];
    let furthest = (found - expected).abs().max().into_scalar::<f64>();
    assert!(furthest < 1e-2, "{furthest}");
}

#[test]
fn a_resumed_textual_inversion_is_bit_for_bit_the_one_that_was_not_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let by_loss = || inverting(12, Timesteps::by_loss(2));
    let config = TrainerConfig { passes: 2, workers: 2, ..config(20, 1e-2) };
    let (mut whole, mut whole_task) = (Trainer::new(word(), config), by_loss());
    let expected = train(&mut whole, &mut whole_task, 20);

    let (mut half, mut half_task) = (Trainer::new(word(), config), by_loss());
    let mut found = train(&mut half, &mut half_task, 10);
    half.save(folder.path(), &half_task).unwrap();
    drop((half, half_task));
    // Another start, which the checkpoint replaces completely.
    let mut task = by_loss();
    let mut resumed = Trainer::resume(initialise(word(), 99), config, folder.path(), &mut task).unwrap();
    found.extend(train(&mut resumed, &mut task, 10));

    assert_eq!(found, expected);
    assert_eq!(Task::<PseudoWord>::state(&task), Task::<PseudoWord>::state(&whole_task));
    assert_eq!(values(&resumed.averaged()), values(&whole.averaged()));
}
