//! Resizing in 8 bits, with the arithmetic of Pillow.

use std::ops::Range;

use crate::filter::{BITS, Window};
use crate::pixels::Pixels;
use crate::{Filter, Image, Mask};

impl Image {
    /// Returns the image in another size, equal byte for byte to what Pillow 13 makes.
    ///
    /// # Panics
    ///
    /// Panics if a size is 0.
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Self {
        resize(self, width, height, filter)
    }

    /// Returns a part of the image in another size. The part is left, top, right and bottom in pixels, also fractions; pixels
    /// around it count where the filter reaches them.
    ///
    /// # Panics
    ///
    /// Panics if a size is 0, or if the part is not in the image.
    pub fn resize_part(&self, part: [f32; 4], width: usize, height: usize, filter: Filter) -> Self {
        resize_part(self, part, width, height, filter)
    }
}

impl Mask {
    /// As [`Image::resize`].
    ///
    /// # Panics
    ///
    /// As [`Image::resize`].
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Self {
        resize(self, width, height, filter)
    }

    /// As [`Image::resize_part`].
    ///
    /// # Panics
    ///
    /// As [`Image::resize_part`].
    pub fn resize_part(&self, part: [f32; 4], width: usize, height: usize, filter: Filter) -> Self {
        resize_part(self, part, width, height, filter)
    }
}

pub fn resize<P: Pixels>(source: &P, width: usize, height: usize, filter: Filter) -> P {
    let (old_width, old_height) = source.size();
    resize_part(source, [0.0, 0.0, old_width as f32, old_height as f32], width, height, filter)
}

pub fn resize_part<P: Pixels>(source: &P, part: [f32; 4], width: usize, height: usize, filter: Filter) -> P {
    let (old_width, old_height) = source.size();
    let [left, top, right, bottom] = part;
    assert!(
        0.0 <= left
            && left <= right
            && right <= old_width as f32
            && 0.0 <= top
            && top <= bottom
            && bottom <= old_height as f32,
        "part {part:?} of an image of {old_width}×{old_height}"
    );
    assert!(width > 0 && height > 0, "resizing to {width}×{height}");
    if filter == Filter::Nearest {
        return nearest(source, part, width, height);
    }
    resample(source, part, width, height, filter)
}

/// Positions are added up, as in Pillow, so that rounding is the same.
fn nearest<P: Pixels>(source: &P, [left, top, right, bottom]: [f32; 4], width: usize, height: usize) -> P {
    let positions = |from: f32, to: f32, new: usize, old: usize| -> Vec<usize> {
        let step = f64::from(to - from) / new as f64;
        let all = std::iter::successors(Some(f64::from(from) + step * 0.5), move |at| Some(at + step));
        all.take(new).map(|at| (at as usize).min(old - 1)).collect()
    };
    let (old_width, old_height) = source.size();
    let (columns, rows) = (positions(left, right, width, old_width), positions(top, bottom, height, old_height));
    let row = |y: usize| &source.bytes()[y * old_width * P::CHANNELS..];
    let pixels = rows.iter().flat_map(|y| columns.iter().map(move |x| &row(*y)[x * P::CHANNELS..][..P::CHANNELS]));
    P::new(width, height, pixels.flatten().copied().collect())
}

fn resample<P: Pixels>(source: &P, part: [f32; 4], width: usize, height: usize, filter: Filter) -> P {
    let (old_width, old_height) = source.size();
    let [left, top, right, bottom] = part;
    let changes_rows = height != old_height || top != 0.0 || bottom != height as f32;
    let changes_columns = width != old_width || left != 0.0 || right != width as f32;
    let columns = filter.windows(old_width, left, right, width);
    let rows = filter.windows(old_height, top, bottom, height);
    let across = |bytes: &[u8], rows: Range<usize>| match P::CHANNELS {
        1 => horizontal::<1>(bytes, old_width, rows, &columns),
        _ => horizontal::<3>(bytes, old_width, rows, &columns),
    };
    let bytes = match (changes_columns, changes_rows) {
        (false, false) => source.bytes().to_vec(),
        (true, false) => across(source.bytes(), 0..height),
        (false, true) => vertical(source.bytes(), width * P::CHANNELS, 0, &rows),
        (true, true) if is_vertical_first(source.size(), (width, height)) => {
            across(&vertical(source.bytes(), old_width * P::CHANNELS, 0, &rows), 0..height)
        }
        (true, true) => {
            let used = rows[0].first..rows[height - 1].first + rows[height - 1].weights.len();
            vertical(&across(source.bytes(), used.clone()), width * P::CHANNELS, used.start, &rows)
        }
    };
    P::new(width, height, bytes)
}

/// Each direction is rounded to bytes, so their order shows. This is the one of Pillow 13; before, rows were resized first.
fn is_vertical_first((old_width, old_height): (usize, usize), (width, height): (usize, usize)) -> bool {
    height < old_height && 2 * (old_width as isize - width as isize) < (old_height - height) as isize
}

fn horizontal<const CHANNELS: usize>(bytes: &[u8], width: usize, rows: Range<usize>, windows: &[Window]) -> Vec<u8> {
    let (stride, count) = (width * CHANNELS, rows.len());
    let mut out = Vec::with_capacity(count * windows.len() * CHANNELS);
    for row in bytes[rows.start * stride..rows.end * stride].chunks_exact(stride) {
        let (pixels, _) = row.as_chunks::<CHANNELS>();
        for window in windows {
            let mut sums = [HALF; CHANNELS];
            for (pixel, weight) in pixels[window.first..].iter().zip(&window.weights) {
                sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += i32::from(*byte) * weight);
            }
            out.extend(sums.map(clip));
        }
    }
    out
}

/// `first` is the number of the first row in `bytes`.
fn vertical(bytes: &[u8], stride: usize, first: usize, windows: &[Window]) -> Vec<u8> {
    let mut out = Vec::with_capacity(windows.len() * stride);
    let mut sums = vec![HALF; stride];
    for window in windows {
        sums.fill(HALF);
        for (row, weight) in bytes[(window.first - first) * stride..].chunks_exact(stride).zip(&window.weights) {
            sums.iter_mut().zip(row).for_each(|(sum, byte)| *sum += i32::from(*byte) * weight);
        }
        out.extend(sums.iter().copied().map(clip));
    }
    out
}

/// Half a unit of the result: cutting then rounds.
const HALF: i32 = 1 << (BITS - 1);

fn clip(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}
