use std::cell::Cell;

use burn::tensor::Tensor;
use sd_guidance::{Coefficients, Guidance, GuidanceState, Part, Predictions, Region, Role, is_composed};
use sd_model::{Backbone, Components};
use sd_samplers::{DenoiseError, Denoiser, Estimate, halves};
use sd_schedule::Process;

use super::caller::{Caller, Noisy, Outputs};
use super::calls::{Calls, Inputs};
use super::memory::Memory;
use super::texts::{Slot, Texts};
use crate::plan::{Sampling, Settings};
use crate::reuse::{Text, Turns};

/// A network with texts and guidance.
pub(crate) struct Guided<'a> {
    process: &'a Process,
    backbone: &'a dyn Backbone,
    sampling: &'a Sampling,
    guidance: Guidance,
    /// None for networks that read no text.
    texts: Option<Texts>,
    inputs: Inputs,
    /// Shares of the latents in each region, with the regions' weights: `[1, 1, height, width]`.
    regions: Vec<(Tensor<4>, f64)>,
    /// The index of the level at which the current step begins.
    level: &'a Cell<usize>,
    state: GuidanceState,
    calls: Calls,
    degraded: Calls,
    turns: Turns,
    memory: Memory,
    /// The clean images that were last predicted, for networks that read them; none before the first call.
    predicted: Option<Tensor<4>>,
    self_conditions: bool,
}

impl<'a> Guided<'a> {
    pub fn new(
        components: &'a Components,
        settings: &'a Settings,
        texts: Option<Texts>,
        inputs: Inputs,
        regions: Vec<(Tensor<4>, f64)>,
        level: &'a Cell<usize>,
        turns: Turns,
    ) -> Self {
        let branch = settings.reuse().deep_cache.map(|cache| cache.branch);
        Self {
            process: &components.process,
            backbone: &*components.backbone,
            sampling: &settings.sampling,
            guidance: settings.guidance(),
            texts,
            inputs,
            regions,
            level,
            state: GuidanceState::default(),
            calls: Calls::default(),
            degraded: Calls::default(),
            turns,
            memory: Memory::new(branch),
            predicted: None,
            self_conditions: false,
        }
    }

    /// Gives a network the clean images that it last predicted.
    pub fn with_self_conditioning(self, self_conditions: bool) -> Self {
        Self { self_conditions, ..self }
    }
}

impl Denoiser for Guided<'_> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        Ok(self.estimate(x, sigma)?.denoised)
    }

    fn estimate(&mut self, x: Tensor<4>, sigma: f64) -> Result<Estimate, DenoiseError> {
        let numbers = self.process.preconditioning(sigma, self.sampling.whole_timesteps);
        // Before the first call, nothing is predicted.
        let predicted = self.self_conditions.then(|| self.predicted.take().unwrap_or_else(|| x.zeros_like()));
        let noisy = Noisy { x: &x, numbers, predicted };
        let (output, variance) = match &self.texts {
            None => {
                let [images, channels, ..] = x.dims();
                halves(self.backbone.predict(noisy.input(), &vec![numbers.t; images], None), channels)
            }
            Some(_) => self.guided(&noisy),
        };
        let denoised = x * numbers.c_skip + output * numbers.c_out;
        self.predicted = self.self_conditions.then(|| denoised.clone());
        Ok(Estimate { denoised, variance })
    }
}

impl Guided<'_> {
    /// The combined prediction of all calls, and the variance that the network learnt for the prompt: guidance does not change it, as
    /// in DiT and in diffusers' pipelines of DeepFloyd IF.
    fn guided(&mut self, noisy: &Noisy) -> (Tensor<4>, Option<Tensor<4>>) {
        let Self { guidance, texts, inputs, backbone, memory, .. } = self;
        let texts = texts.as_ref().expect("a guided network reads texts");
        let level = self.level.get();
        let step = self.sampling.step(level);
        let composed = is_composed(texts.weights.iter().copied());
        let mut roles = guidance.roles(&step, composed);
        let turn = self.turns.next(&step, &roles, guidance.scale_at(&step, composed));
        let is_prompt_alone = turn.text == Text::Take || turn.repeats_guidance;
        if is_prompt_alone {
            roles = vec![Role::Prompt];
        }
        let slots: Vec<Slot> = roles.iter().flat_map(|role| slots(*role, texts)).collect();
        let source = if roles.contains(&Role::Negative) { Slot::Negative } else { Slot::Part(0) };
        let attends_to = roles.contains(&Role::Degraded).then_some(source);
        memory.steered_by(inputs.steering.windows(level));
        let calls = self.calls.of(&slots, step.index, level, texts, inputs);
        let steering = &inputs.steering;
        let caller = Caller { backbone: *backbone, steering, level, turn };
        let outputs = Outputs(calls.iter().map(|call| caller.call(noisy, call, attends_to, memory)).collect());
        let variance = outputs.variance(Slot::Part(0));
        if is_prompt_alone {
            let prediction = outputs.prediction(Slot::Part(0));
            let prediction = match &memory.added {
                Some(added) if turn.repeats_guidance => prediction + added.clone(),
                _ => prediction,
            };
            return (prediction, variance);
        }
        let of_role = |role: Role, slot: Slot| roles.contains(&role).then(|| outputs.prediction(slot));
        let degraded = attends_to.map(|source| {
            let x = noisy.degraded(&outputs.prediction(source), outputs.map(source));
            let calls = self.degraded.of(&[source], step.index, level, texts, inputs);
            let noisy = Noisy { x: &x, numbers: noisy.numbers, predicted: noisy.predicted.clone() };
            // Deep features are not kept beside self-attention guidance.
            Outputs(calls.iter().map(|call| caller.call(&noisy, call, None, memory)).collect()).prediction(source)
        });
        let parts = texts.weights.iter().enumerate();
        let [images, ..] = noisy.x.dims();
        let regions = self.regions.iter().enumerate().map(|(i, (mask, weight))| Region {
            prediction: outputs.prediction(Slot::Region(i)),
            mask: mask.clone().repeat_dim(0, images),
            weight: *weight,
        });
        let predictions = Predictions {
            without_image: of_role(Role::WithoutImage, Slot::WithoutImage),
            empty: of_role(Role::Empty, Slot::Empty),
            negative: of_role(Role::Negative, Slot::Negative),
            prompt: parts
                .map(|(i, weight)| Part { prediction: outputs.prediction(Slot::Part(i)), weight: *weight })
                .collect(),
            regions: regions.collect(),
            perturbed: of_role(Role::Perturbed, Slot::Perturbed),
            degraded,
        };
        let coefficients = Coefficients { skip: noisy.numbers.c_skip, out: noisy.numbers.c_out };
        let combined = guidance.combine(&step, &mut self.state, predictions, coefficients, noisy.x);
        if self.turns.repeats_guidance() {
            memory.added = Some(combined.clone() - outputs.prediction(Slot::Part(0)));
        }
        (combined, variance)
    }
}

/// The rows that a role needs for each image.
fn slots(role: Role, texts: &Texts) -> Vec<Slot> {
    match role {
        Role::WithoutImage => vec![Slot::WithoutImage],
        Role::Empty => vec![Slot::Empty],
        Role::Negative => vec![Slot::Negative],
        Role::Prompt => {
            let regions = (0..texts.regions()).map(Slot::Region);
            (0..texts.weights.len()).map(Slot::Part).chain(regions).collect()
        }
        Role::Perturbed => vec![Slot::Perturbed],
        // Made of the other predictions.
        Role::Degraded => Vec::new(),
    }
}
