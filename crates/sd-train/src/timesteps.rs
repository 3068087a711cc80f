use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Number of losses that are kept of each timestep.
const HISTORY: usize = 10;

/// The share of draws that remain uniform, so that no timestep is forgotten.
const UNIFORM: f64 = 0.001;

/// How the timesteps of the draws are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Timesteps {
    /// All equally often (Ho et al. 2020, algorithm 1).
    Uniform {
        /// Timesteps of the training.
        count: usize,
    },
    /// By their past losses.
    ByLoss(LossHistory),
}

/// The last ten losses of each timestep. A timestep is chosen in proportion to their root mean square (Nichol & Dhariwal
/// 2021, equation 18), and the loss of a draw is divided by the same proportion, so that its mean stays the same.
///
/// The choice is uniform until each timestep has ten losses. As in the paper's code, one draw in a thousand is uniform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossHistory {
    losses: Vec<VecDeque<f64>>,
}

impl Timesteps {
    /// Chooses among `count` timesteps by loss, without any losses yet.
    pub fn by_loss(count: usize) -> Self {
        Self::ByLoss(LossHistory { losses: vec![VecDeque::new(); count] })
    }

    /// Number of timesteps.
    pub fn count(&self) -> usize {
        match self {
            Self::Uniform { count } => *count,
            Self::ByLoss(history) => history.losses.len(),
        }
    }

    /// Returns a timestep for each number in `[0, 1)`, with the factor of its loss.
    pub fn choose(&self, uniform: &[f64]) -> Vec<(usize, f64)> {
        let count = self.count();
        let Some(shares) = self.shares() else {
            return uniform.iter().map(|u| (((u * count as f64) as usize).min(count - 1), 1.0)).collect();
        };
        let ends: Vec<f64> = shares
            .iter()
            .scan(0.0, |end, share| {
                *end += share;
                Some(*end)
            })
            .collect();
        let choose = |u: &f64| {
            // Rounding may leave the last end below 1.
            let t = ends.partition_point(|end| end <= u).min(count - 1);
            (t, 1.0 / (count as f64 * shares[t]))
        };
        uniform.iter().map(choose).collect()
    }

    /// Records the loss at a timestep, without its factor.
    pub fn observe(&mut self, t: usize, loss: f64) {
        if let Self::ByLoss(LossHistory { losses }) = self {
            if losses[t].len() == HISTORY {
                losses[t].pop_front();
            }
            losses[t].push_back(loss);
        }
    }

    /// Returns the probability of each timestep, or none if all are equal.
    fn shares(&self) -> Option<Vec<f64>> {
        let Self::ByLoss(LossHistory { losses }) = self else { return None };
        if losses.iter().any(|losses| losses.len() < HISTORY) {
            return None;
        }
        let root = |losses: &VecDeque<f64>| (losses.iter().map(|l| l * l).sum::<f64>() / HISTORY as f64).sqrt();
        let roots: Vec<f64> = losses.iter().map(root).collect();
        let sum: f64 = roots.iter().sum();
        // If all losses are 0, there is nothing to choose by.
        (sum > 0.0).then(|| roots.iter().map(|r| (1.0 - UNIFORM) * r / sum + UNIFORM / roots.len() as f64).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows each timestep eleven losses, of which the first is forgotten.
    fn taught(losses: &[f64]) -> Timesteps {
        let mut timesteps = Timesteps::by_loss(losses.len());
        for (t, loss) in losses.iter().enumerate() {
            timesteps.observe(t, 1e9);
            (0..10).for_each(|_| timesteps.observe(t, *loss));
        }
        timesteps
    }

    #[test]
    fn uniform_choice_divides_the_numbers_evenly() {
        let chosen = Timesteps::Uniform { count: 4 }.choose(&[0.0, 0.2499, 0.25, 0.9999]);
        assert_eq!(chosen, [(0, 1.0), (0, 1.0), (1, 1.0), (3, 1.0)]);
    }

    #[test]
    fn a_timestep_is_chosen_in_proportion_to_its_loss() {
        let numbers: Vec<f64> = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
        let chosen = taught(&[1.0, 3.0]).choose(&numbers);
        let second = chosen.iter().filter(|(t, _)| *t == 1).count() as f64 / 1000.0;
        assert!((second - (0.999 * 0.75 + 0.0005)).abs() < 1e-3, "{second}");
        assert!((chosen[999].1 - 1.0 / (2.0 * (0.999 * 0.75 + 0.0005))).abs() < 1e-12);
    }

    #[test]
    fn the_factors_leave_the_mean_of_the_loss_as_it_was() {
        let losses = [0.5, 2.0, 1.0];
        let numbers: Vec<f64> = (0..30_000).map(|i| (f64::from(i) + 0.5) / 30_000.0).collect();
        let mean: f64 = taught(&losses).choose(&numbers).iter().map(|(t, factor)| losses[*t] * factor).sum::<f64>();
        assert!((mean / 30_000.0 - 3.5 / 3.0).abs() < 1e-3, "{mean}");
    }

    #[test]
    fn the_choice_is_uniform_until_every_timestep_has_ten_losses() {
        let mut timesteps = Timesteps::by_loss(2);
        (0..10).for_each(|_| timesteps.observe(0, 5.0));
        (0..9).for_each(|_| timesteps.observe(1, 1.0));
        assert_eq!(timesteps.choose(&[0.6]), [(1, 1.0)]);
        timesteps.observe(1, 1.0);
        assert_eq!(timesteps.choose(&[0.6])[0].0, 0);
    }

    #[test]
    fn a_history_comes_back_from_json_bit_for_bit() {
        let timesteps = taught(&[0.1, 1.0 / 3.0, 2.0_f64.sqrt()]);
        let json = serde_json::to_string(&timesteps).unwrap();
        assert_eq!(serde_json::from_str::<Timesteps>(&json).unwrap(), timesteps);
    }
}
