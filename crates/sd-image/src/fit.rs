use serde::{Deserialize, Serialize};

use crate::pixels::Pixels;
use crate::region::{crop, paste};
use crate::resize::{resize, resize_part};
use crate::{Filter, Image, Mask, Region};

/// How an image gets another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fit {
    /// Scaled until it covers the size, then cut at both sides alike.
    Crop,
    /// Scaled to the size, whatever the proportions.
    Stretch,
    /// Scaled until it fits into the size, with its edges stretched into what remains at both sides.
    Pad,
}

impl Fit {
    /// Every way, by its name.
    pub const NAMED: [(&str, Self); 3] = [("crop", Self::Crop), ("stretch", Self::Stretch), ("pad", Self::Pad)];
}

impl Image {
    /// Returns the image in another size, equal byte for byte to diffusers' `resize_mode`: `crop`, `default` and `fill`. (Of an
    /// odd size, `fill` may leave the last row or column black.)
    ///
    /// # Panics
    ///
    /// Panics if a size is 0.
    pub fn fit(&self, width: usize, height: usize, fit: Fit, filter: Filter) -> Self {
        to_fit(self, width, height, fit, filter)
    }
}

impl Mask {
    /// As [`Image::fit`], so that the mask of an image stays where it belongs.
    ///
    /// # Panics
    ///
    /// Panics if a size is 0.
    pub fn fit(&self, width: usize, height: usize, fit: Fit, filter: Filter) -> Self {
        to_fit(self, width, height, fit, filter)
    }
}

fn to_fit<P: Pixels>(source: &P, width: usize, height: usize, fit: Fit, filter: Filter) -> P {
    match fit {
        Fit::Stretch => resize(source, width, height, filter),
        Fit::Crop => cover(source, width, height, filter),
        Fit::Pad => pad(source, width, height, filter),
    }
}

fn cover<P: Pixels>(source: &P, width: usize, height: usize, filter: Filter) -> P {
    let (old_width, old_height) = source.size();
    let is_wider = old_width * height > width * old_height;
    let new_width = if is_wider { old_width * height / old_height } else { width };
    let new_height = if is_wider { height } else { old_height * width / old_width };
    let (left, top) = (new_width / 2 - width / 2, new_height / 2 - height / 2);
    let region = Region { left, top, right: left + width, bottom: top + height };
    crop(&resize(source, new_width, new_height, filter), region)
}

fn pad<P: Pixels>(source: &P, width: usize, height: usize, filter: Filter) -> P {
    let (old_width, old_height) = source.size();
    let is_wider = old_width * height > width * old_height;
    let new_width = if is_wider { width } else { (old_width * height / old_height).max(1) };
    let new_height = if is_wider { (old_height * width / old_width).max(1) } else { height };
    let resized = resize(source, new_width, new_height, filter);
    let (left, top) = (width / 2 - new_width / 2, height / 2 - new_height / 2);
    let mut padded = P::new(width, height, vec![0; width * height * P::CHANNELS]);
    paste(&mut padded, &resized, left, top);
    // The line at an edge is interpolated from the pixels around a part without any area.
    let (right, bottom) = (new_width as f32, new_height as f32);
    let column = |at: f32| resize_part(&resized, [at, 0.0, at, bottom], 1, new_height, Filter::Bicubic);
    let row = |at: f32| resize_part(&resized, [0.0, at, right, at], new_width, 1, Filter::Bicubic);
    if is_wider {
        let (above, below) = (row(0.0), row(bottom));
        (0..top).for_each(|y| paste(&mut padded, &above, 0, y));
        (top + new_height..height).for_each(|y| paste(&mut padded, &below, 0, y));
    } else {
        let (before, behind) = (column(0.0), column(right));
        (0..left).for_each(|x| paste(&mut padded, &before, x, 0));
        (left + new_width..width).for_each(|x| paste(&mut padded, &behind, x, 0));
    }
    padded
}
