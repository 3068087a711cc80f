use sd_samplers::{Multistep, Sampler};
use sd_schedule::NoiseLevels;
use serde::{Deserialize, Serialize};

/// The steps of a drawing: a sampler, noise levels, and perhaps the weights of a linear multistep method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The name of the sampler.
    pub sampler: String,
    /// The noise levels.
    pub levels: NoiseLevels,
    /// The weights of each step in place of the sampler's own, those of the newest predictions last; see [`Multistep`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<Vec<f64>>>,
}

/// Neighbouring levels stay this far apart, in their logarithm.
const APART: f64 = 0.02;

impl Steps {
    /// Steps of the sampler with this name, with its own weights.
    pub fn new(sampler: &str, levels: NoiseLevels) -> Self {
        Self { sampler: sampler.into(), levels, weights: None }
    }

    /// Draws with these steps: at the levels, with the multistep method of the weights, or else the sampler, which is `own`.
    pub fn draw<T>(&self, own: &dyn Sampler, draw: impl FnOnce(&dyn Sampler, &NoiseLevels) -> T) -> T {
        match &self.weights {
            Some(weights) => draw(&Multistep::new(weights.clone()), &self.levels),
            None => draw(own, &self.levels),
        }
    }

    /// As they are, with the weights of [`Ipndm`](sd_samplers::Ipndm).
    pub(crate) fn with_classical_weights(self) -> Self {
        Self { sampler: "ipndm".into(), weights: Some(Multistep::classical_weights(self.levels.steps())), ..self }
    }

    /// The unknowns: logarithms of the levels but for the first and the last, then all weights.
    pub(crate) fn unknowns(&self) -> Vec<f64> {
        let sigmas = self.levels.sigmas();
        let logs = sigmas[1..sigmas.len() - 1].iter().map(|sigma| sigma.ln());
        logs.chain(self.weights.iter().flatten().flatten().copied()).collect()
    }

    /// Steps of the same kind with other unknowns; none if the levels would not fall, or hardly.
    pub(crate) fn with(&self, unknowns: &[f64]) -> Option<Self> {
        let own = self.levels.sigmas();
        let (first, last) = (own[0], own[own.len() - 1]);
        let (logs, mut weights) = unknowns.split_at(own.len() - 2);
        // A last level of 0 is as far from any other as can be.
        let bounds = [first.ln()].into_iter().chain(logs.iter().copied()).chain([last.ln()]).collect::<Vec<_>>();
        let fall = bounds.windows(2).all(|pair| pair[0] - pair[1] >= APART);
        if !fall || logs.iter().any(|log| log.exp() < 1e-4) {
            return None;
        }
        let sigmas = [first].into_iter().chain(logs.iter().map(|log| log.exp())).chain([last]);
        let levels = NoiseLevels::new(sigmas.collect()).ok()?;
        let of_step = |own: &Vec<f64>| {
            let (of_step, rest) = weights.split_at(own.len());
            weights = rest;
            of_step.to_vec()
        };
        let sampler = self.sampler.clone();
        Some(Self { sampler, levels, weights: self.weights.as_ref().map(|own| own.iter().map(of_step).collect()) })
    }
}
