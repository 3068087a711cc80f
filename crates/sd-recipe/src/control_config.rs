use std::path::PathBuf;

use sd_pipeline::Preprocessor;
use serde::Deserialize;

/// What steers the model of a ControlNet: either [`condition`](Self::condition) or [`folder`](Self::folder).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlConfig {
    /// The preprocessor that makes the condition of each image, such as `canny`.
    pub condition: Option<Preprocessor>,
    /// A folder with a condition for each image, of its name and at its place in `data.folder`.
    pub folder: Option<PathBuf>,
    /// Channels of the convolutions that bring the condition to the size of the latents, one for each halving and one before
    /// them; by default those of Zhang et al. 2023.
    pub hint_widths: Option<Vec<usize>>,
}

impl ControlConfig {
    /// Returns the channels of the hint's convolutions, for an autoencoder that shrinks images by `factor`, a power of two.
    ///
    /// # Errors
    ///
    /// What is wrong with those of the recipe.
    pub fn hint_widths(&self, factor: usize) -> Result<Vec<usize>, String> {
        const PUBLISHED: [usize; 4] = [16, 32, 96, 256];
        let count = factor.ilog2() as usize + 1;
        let Some(widths) = &self.hint_widths else {
            let end = PUBLISHED[PUBLISHED.len() - 1];
            return Ok((0..count).map(|i| PUBLISHED.get(i).copied().unwrap_or(end)).collect());
        };
        if widths.len() != count || widths.contains(&0) {
            return Err(format!(
                "`control.hint_widths` is {widths:?}, expected {count} numbers above 0, because this autoencoder shrinks \
                 images by {factor}"
            ));
        }
        Ok(widths.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(hint_widths: Option<Vec<usize>>) -> ControlConfig {
        ControlConfig { condition: Some(Preprocessor::None), folder: None, hint_widths }
    }

    #[test]
    fn there_is_a_width_for_each_halving_and_one_before() {
        let widths = |factor| control(None).hint_widths(factor).unwrap();
        assert_eq!(widths(8), [16, 32, 96, 256]);
        assert_eq!(widths(4), [16, 32, 96]);
        assert_eq!(widths(32), [16, 32, 96, 256, 256, 256]);
        assert_eq!(control(Some(vec![4, 8])).hint_widths(2), Ok(vec![4, 8]));
        for wrong in [vec![4], vec![4, 8, 8], vec![4, 0]] {
            assert!(control(Some(wrong)).hint_widths(2).unwrap_err().contains("expected 2 numbers above 0"));
        }
    }
}
