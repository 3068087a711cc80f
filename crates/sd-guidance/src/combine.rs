use burn::tensor::Tensor;

use crate::composition::compose;
use crate::perpendicular::without_perpendicular;
use crate::regions::blend;
use crate::rescale::rescale;
use crate::{Coefficients, Guidance, GuidanceState, Predictions, Step, is_composed};

impl Guidance {
    /// Combines the raw predictions for the [`roles`](Self::roles) of a step into one.
    ///
    /// # Shapes
    ///
    /// - predictions: `[images, channels, height, width]`
    /// - x: the noisy images to which the coefficients apply, as the predictions
    /// - output: as the predictions
    ///
    /// # Panics
    ///
    /// Panics if the prediction for a role is missing.
    pub fn combine(
        &self,
        step: &Step,
        state: &mut GuidanceState,
        predictions: Predictions,
        coefficients: Coefficients,
        x: &Tensor<4>,
    ) -> Tensor<4> {
        let scale = self.scale_at(step, is_composed(predictions.prompt.iter().map(|part| part.weight)));
        let mut terms = self.attention(step, &predictions);
        let Predictions { without_image, empty, negative, prompt, regions, .. } = predictions;
        let from = if self.perpendicular.is_some() { empty } else { negative.clone() };
        let prompt = blend(compose(from.as_ref(), prompt), regions);

        let Some(scale) = scale else {
            if terms.is_empty() {
                return prompt;
            }
            return rescale(sum(prompt.clone(), &terms), &prompt, self.rescale);
        };
        let from = from.expect("a prediction for what the prompt is guided from");
        let mut base = from.clone();
        if let Some(image) = self.image {
            base = without_image.expect("a prediction without the image");
            terms.insert(0, (from.clone() - base.clone()) * image);
        }
        let mut direction = prompt.clone() - from.clone();
        if let Some(weight) = self.perpendicular {
            let negative = negative.expect("a prediction for the negative prompt");
            direction = without_perpendicular(direction, negative - from, weight);
        }
        if let Some(apg) = &self.apg {
            let projected = apg.project(state, direction.clone(), &prompt, coefficients, x);
            base = base + direction - projected.clone();
            direction = projected;
        }
        let guided = |scale: f64| sum(base.clone() + direction.clone() * scale, &terms);
        let result = match &self.threshold {
            None => guided(scale),
            Some(threshold) => {
                let denoised = |scale| coefficients.denoised(x, guided(scale));
                let mimic = denoised(self.effective(step, threshold.mimic));
                coefficients.prediction(x, threshold.apply(denoised(scale), mimic))
            }
        };
        rescale(result, &prompt, self.rescale)
    }

    /// What perturbed-attention and self-attention guidance add.
    fn attention(&self, step: &Step, predictions: &Predictions) -> Vec<Tensor<4>> {
        let Predictions { negative, prompt, perturbed, degraded, .. } = predictions;
        if !self.interval.contains(step) {
            return Vec::new();
        }
        let (prompt, perturbed, degraded) = (&prompt[0].prediction, perturbed.as_ref(), degraded.as_ref());
        let better = [(self.pag, prompt, perturbed), (self.sag, negative.as_ref().unwrap_or(prompt), degraded)];
        let terms = better.into_iter().filter(|(scale, ..)| *scale != 0.0);
        terms
            .map(|(scale, better, worse)| {
                (better.clone() - worse.expect("a perturbed or degraded prediction").clone()) * scale
            })
            .collect()
    }
}

fn sum(first: Tensor<4>, terms: &[Tensor<4>]) -> Tensor<4> {
    terms.iter().fold(first, |sum, term| sum + term.clone())
}
