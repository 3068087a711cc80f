use std::cell::Cell;

use burn::tensor::Tensor;
use sd_guidance::{Coefficients, Guidance, GuidanceState, Part, Predictions, Region, Role, degrade, is_composed};
use sd_model::{Backbone, Components};
use sd_samplers::{DenoiseError, Denoiser};
use sd_schedule::{Preconditioning, Process};

use super::calls::{Call, Calls, Inputs};
use super::steering::Steering;
use super::texts::{Slot, Texts};
use crate::plan::{Sampling, Settings};

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
}

/// A noisy image, and what it takes to call the network.
struct Noisy<'a> {
    x: &'a Tensor<4>,
    numbers: Preconditioning,
}

impl<'a> Guided<'a> {
    pub fn new(
        components: &'a Components,
        settings: &'a Settings,
        texts: Option<Texts>,
        inputs: Inputs,
        regions: Vec<(Tensor<4>, f64)>,
        level: &'a Cell<usize>,
    ) -> Self {
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
        }
    }
}

impl Denoiser for Guided<'_> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        let numbers = self.process.preconditioning(sigma, self.sampling.whole_timesteps);
        let noisy = Noisy { x: &x, numbers };
        let output = match &self.texts {
            None => {
                let [images, ..] = x.dims();
                self.backbone.predict(x.clone() * numbers.c_in, &vec![numbers.t; images], None)
            }
            Some(_) => self.guided(&noisy),
        };
        Ok(x * numbers.c_skip + output * numbers.c_out)
    }
}

impl Guided<'_> {
    /// The combined prediction of all calls.
    fn guided(&mut self, noisy: &Noisy) -> Tensor<4> {
        let Self { guidance, texts, inputs, backbone, .. } = self;
        let texts = texts.as_ref().expect("a guided network reads texts");
        let level = self.level.get();
        let step = self.sampling.step(level);
        let roles = guidance.roles(&step, is_composed(texts.weights.iter().copied()));
        let slots: Vec<Slot> = roles.iter().flat_map(|role| slots(*role, texts)).collect();
        let source = if roles.contains(&Role::Negative) { Slot::Negative } else { Slot::Part(0) };
        let attends_to = roles.contains(&Role::Degraded).then_some(source);
        let calls = self.calls.of(&slots, step.index, level, texts, inputs);
        let steering = &inputs.steering;
        let run = |noisy: &Noisy, call, attends_to| noisy.call(*backbone, call, steering, level, attends_to);
        let outputs = Outputs(calls.iter().map(|call| run(noisy, call, attends_to)).collect());
        let of_role = |role: Role, slot: Slot| roles.contains(&role).then(|| outputs.prediction(slot));
        let degraded = attends_to.map(|source| {
            let x = noisy.degraded(&outputs.prediction(source), outputs.map(source));
            let calls = self.degraded.of(&[source], step.index, level, texts, inputs);
            let noisy = Noisy { x: &x, numbers: noisy.numbers };
            Outputs(calls.iter().map(|call| run(&noisy, call, None)).collect()).prediction(source)
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
        guidance.combine(&step, &mut self.state, predictions, coefficients, noisy.x)
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

/// What a call of the network gave, row by row.
struct Output<'a> {
    rows: &'a [(Slot, usize)],
    /// `[1, channels, height, width]` each.
    predictions: Vec<Tensor<4>>,
    /// Attention in the middle of the network, `[1, height, width]` each; empty if nobody asked.
    maps: Vec<Tensor<3>>,
}

impl Noisy<'_> {
    fn call<'a>(
        &self,
        backbone: &dyn Backbone,
        call: &'a Call,
        steering: &Steering,
        level: usize,
        attends_to: Option<Slot>,
    ) -> Output<'a> {
        let Call { rows, conditions } = call;
        let scaled = self.x.clone() * self.numbers.c_in;
        let x = Tensor::cat(rows.iter().map(|(_, image)| scaled.clone().narrow(0, *image, 1)).collect(), 0);
        let t = vec![self.numbers.t; rows.len()];
        let slots: Vec<Slot> = rows.iter().map(|(slot, _)| *slot).collect();
        let residuals = steering.residuals(&x, &t, &slots, conditions, level);
        let conditions = &match residuals {
            Some(residuals) => conditions.clone().with_residuals(residuals),
            None => conditions.clone(),
        };
        let is_asked = rows.iter().any(|(slot, _)| Some(*slot) == attends_to);
        let (predictions, maps) = match is_asked {
            true => {
                let both = backbone.predict_with_attention(x, &t, Some(conditions));
                let (predictions, maps) = both.expect("the network was asked before");
                (predictions, maps.chunk(rows.len(), 0))
            }
            false => (backbone.predict(x, &t, Some(conditions)), Vec::new()),
        };
        Output { rows, predictions: predictions.chunk(rows.len(), 0), maps }
    }

    /// The noisy image, blurred where the network paid attention: what it predicts there is worse.
    fn degraded(&self, prediction: &Tensor<4>, map: Tensor<3>) -> Tensor<4> {
        let denoised = self.x.clone() * self.numbers.c_skip + prediction.clone() * self.numbers.c_out;
        degrade(denoised.clone(), map) + (self.x.clone() - denoised)
    }
}

/// What all calls for one kind of step gave.
struct Outputs<'a>(Vec<Output<'a>>);

impl Outputs<'_> {
    /// The predictions for a slot, an image each.
    fn prediction(&self, slot: Slot) -> Tensor<4> {
        gathered(self.0.iter().flat_map(|output| output.rows.iter().zip(&output.predictions)), slot)
    }

    /// The attention for a slot, an image each.
    fn map(&self, slot: Slot) -> Tensor<3> {
        gathered(self.0.iter().flat_map(|output| output.rows.iter().zip(&output.maps)), slot)
    }
}

/// The rows of a slot, in the order of the images.
fn gathered<'a, const D: usize>(
    rows: impl Iterator<Item = (&'a (Slot, usize), &'a Tensor<D>)>,
    slot: Slot,
) -> Tensor<D> {
    let rows = rows.filter(|((of, _), _)| *of == slot);
    let mut rows: Vec<(usize, Tensor<D>)> = rows.map(|((_, image), values)| (*image, values.clone())).collect();
    rows.sort_by_key(|(image, _)| *image);
    Tensor::cat(rows.into_iter().map(|(_, values)| values).collect(), 0)
}
