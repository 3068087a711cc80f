use serde::{Deserialize, Serialize};

/// The sizes that Stable Diffusion XL is told, as of the photograph that its image could come from (Podell et al. 2023, section 2.2).
///
/// Open fields are the drawing's size and an uncropped image; the negative prompt's are those of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sizes {
    /// Width and height of the photograph in pixels; small ones look blurred.
    pub original: Option<(usize, usize)>,
    /// Pixels that were cut off at its left and top edges.
    pub crop: Option<(usize, usize)>,
    /// Width and height that it was cropped to.
    pub target: Option<(usize, usize)>,
    /// As [`original`](Self::original), for the negative prompt.
    pub negative_original: Option<(usize, usize)>,
    /// As [`crop`](Self::crop), for the negative prompt.
    pub negative_crop: Option<(usize, usize)>,
    /// As [`target`](Self::target), for the negative prompt.
    pub negative_target: Option<(usize, usize)>,
}

/// How pleasing the image should be, and the opposite of it, from 0 to 10: diffusers' defaults.
const SCORE: f64 = 6.0;
const NEGATIVE_SCORE: f64 = 2.5;

impl Sizes {
    /// What the network reads: original height and width, crop top and left, and target height and width; for XL's refiner a score
    /// instead of the target. `size` is the drawing's width and height.
    pub(crate) fn time_ids(&self, size: (usize, usize), is_negative: bool, scored: bool) -> Vec<f64> {
        let (original, crop, target) =
            (self.original.unwrap_or(size), self.crop.unwrap_or_default(), self.target.unwrap_or(size));
        let [original, crop, target] = match is_negative {
            false => [original, crop, target],
            true => [
                self.negative_original.unwrap_or(original),
                self.negative_crop.unwrap_or(crop),
                self.negative_target.unwrap_or(target),
            ],
        };
        let pair = |(x, y): (usize, usize)| [y as f64, x as f64];
        let mut ids = [pair(original), pair(crop)].concat();
        match (scored, is_negative) {
            (true, false) => ids.push(SCORE),
            (true, true) => ids.push(NEGATIVE_SCORE),
            (false, _) => ids.extend(pair(target)),
        }
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_sizes_are_those_of_the_drawing() {
        let sizes = Sizes::default();
        assert_eq!(sizes.time_ids((640, 480), false, false), [480.0, 640.0, 0.0, 0.0, 480.0, 640.0]);
        assert_eq!(sizes.time_ids((640, 480), true, true), [480.0, 640.0, 0.0, 0.0, 2.5]);
    }

    #[test]
    fn the_negative_prompt_has_the_prompts_sizes_unless_it_has_its_own() {
        let sizes =
            Sizes { original: Some((100, 200)), crop: Some((3, 4)), negative_crop: Some((5, 6)), ..Sizes::default() };
        assert_eq!(sizes.time_ids((64, 32), true, false), [200.0, 100.0, 6.0, 5.0, 32.0, 64.0]);
        assert_eq!(sizes.time_ids((64, 32), false, false), [200.0, 100.0, 4.0, 3.0, 32.0, 64.0]);
    }
}
