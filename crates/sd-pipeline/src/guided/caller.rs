use burn::tensor::Tensor;
use sd_guidance::degrade;
use sd_model::Backbone;
use sd_samplers::halves;
use sd_schedule::Preconditioning;
use sd_unet::{Deep, Recall, Residuals};

use super::calls::Call;
use super::memory::Memory;
use super::steering::Steering;
use super::texts::Slot;
use crate::reuse::Turn;

/// A noisy image, and what it takes to call the network.
pub(super) struct Noisy<'a> {
    pub x: &'a Tensor<4>,
    pub numbers: Preconditioning,
    /// The clean images that were last predicted, for networks that read them.
    pub predicted: Option<Tensor<4>>,
}

/// What a call of the network gave, row by row.
pub(super) struct Output<'a> {
    rows: &'a [(Slot, usize)],
    /// `[1, channels, height, width]` each.
    predictions: Vec<Tensor<4>>,
    /// Learned variances, of the same shape; empty for networks without.
    variances: Vec<Tensor<4>>,
    /// Attention in the middle of the network, `[1, height, width]` each; empty if nobody asked.
    maps: Vec<Tensor<3>>,
}

/// What calls the network in a turn.
pub(super) struct Caller<'a> {
    pub backbone: &'a dyn Backbone,
    pub steering: &'a Steering,
    pub level: usize,
    pub turn: Turn,
}

impl Caller<'_> {
    pub fn call<'a>(&self, noisy: &Noisy, call: &'a Call, attends_to: Option<Slot>, memory: &mut Memory) -> Output<'a> {
        let rows = &call.rows;
        let input = noisy.input();
        let x = Tensor::cat(rows.iter().map(|(_, image)| input.clone().narrow(0, *image, 1)).collect(), 0);
        let t = vec![noisy.numbers.t; rows.len()];
        let recall = memory.recall(call, self.turn);
        let conditions = &match self.residuals(&x, &t, call, &recall, memory) {
            Some(residuals) => call.conditions.clone().with_residuals(residuals),
            None => call.conditions.clone(),
        };
        let is_asked = rows.iter().any(|(slot, _)| Some(*slot) == attends_to);
        let (predictions, maps) = match () {
            () if is_asked => {
                let both = self.backbone.predict_with_attention(x, &t, Some(conditions));
                let (predictions, maps) = both.expect("the network was asked before");
                (predictions, maps.chunk(rows.len(), 0))
            }
            () if recall.is_plain() => (self.backbone.predict(x, &t, Some(conditions)), Vec::new()),
            () => {
                let both = self.backbone.predict_recalling(x, &t, Some(conditions), recall);
                let (predictions, kept) = both.expect("the network was asked before");
                memory.keep(call, self.turn, kept);
                (predictions, Vec::new())
            }
        };
        let (predictions, variances) = halves(predictions, noisy.x.dims()[1]);
        let variances = variances.map_or_else(Vec::new, |variances| variances.chunk(rows.len(), 0));
        Output { rows, predictions: predictions.chunk(rows.len(), 0), variances, maps }
    }

    /// What control networks add. They run when all of the U-Net does.
    fn residuals(
        &self,
        x: &Tensor<4>,
        t: &[f64],
        call: &Call,
        recall: &Recall,
        memory: &mut Memory,
    ) -> Option<Residuals> {
        let known = if matches!(recall.deep, Deep::Take { .. }) { memory.residuals(call) } else { None };
        if let Some(known) = known {
            return known;
        }
        let slots: Vec<Slot> = call.rows.iter().map(|(slot, _)| *slot).collect();
        let residuals = self.steering.residuals(x, t, &slots, &call.conditions, self.level);
        if matches!(recall.deep, Deep::Keep { .. }) {
            memory.keep_residuals(call, &residuals);
        }
        residuals
    }
}

impl Noisy<'_> {
    /// What the network reads of the images: the noisy ones, scaled, and those that were last predicted.
    pub fn input(&self) -> Tensor<4> {
        let scaled = self.x.clone() * self.numbers.c_in;
        match &self.predicted {
            Some(predicted) => Tensor::cat(vec![scaled, predicted.clone()], 1),
            None => scaled,
        }
    }

    /// The noisy image, blurred where the network paid attention: what it predicts there is worse.
    pub fn degraded(&self, prediction: &Tensor<4>, map: Tensor<3>) -> Tensor<4> {
        let denoised = self.x.clone() * self.numbers.c_skip + prediction.clone() * self.numbers.c_out;
        degrade(denoised.clone(), map) + (self.x.clone() - denoised)
    }
}

/// What all calls for one kind of step gave.
pub(super) struct Outputs<'a>(pub Vec<Output<'a>>);

impl Outputs<'_> {
    /// The predictions for a slot, an image each.
    pub fn prediction(&self, slot: Slot) -> Tensor<4> {
        gathered(self.0.iter().flat_map(|output| output.rows.iter().zip(&output.predictions)), slot)
    }

    /// The learned variances for a slot, an image each; none for networks without.
    pub fn variance(&self, slot: Slot) -> Option<Tensor<4>> {
        let has_variances = self.0.iter().any(|output| !output.variances.is_empty());
        let rows = || self.0.iter().flat_map(|output| output.rows.iter().zip(&output.variances));
        has_variances.then(|| gathered(rows(), slot))
    }

    /// The attention for a slot, an image each.
    pub fn map(&self, slot: Slot) -> Tensor<3> {
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
