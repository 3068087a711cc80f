use std::ops::Range;

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use sd_ops::{Edge, Edges, Wrap, convolve_within};

use crate::upsample::upsample;

/// Some rows of a feature map, which know their place: convolutions pad them at the map's own edges only, and elsewhere leave
/// out what they cannot know.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// `[1, channels, rows, width]`
    pub values: Tensor<4>,
    /// The place of the first row. It may be negative, and the last one beyond the map, if the map wraps around.
    pub first: isize,
    /// Rows of the whole map.
    pub height: usize,
    pub wrap: Wrap,
}

impl Rows {
    /// The places of these rows in the map.
    pub fn range(&self) -> Range<isize> {
        self.first..self.first + self.values.dims()[2] as isize
    }

    /// Changes values, but no shape other than the channels.
    pub fn map(self, f: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Self {
        Self { values: f(self.values), ..self }
    }

    /// Returns a part of these rows.
    ///
    /// # Panics
    ///
    /// Panics if they are not all here.
    pub fn crop(self, range: Range<isize>) -> Self {
        let here = self.range();
        assert!(here.start <= range.start && range.end <= here.end, "rows {range:?} of {here:?}");
        if here == range {
            return self;
        }
        let [from, to] = [range.start, range.end].map(|row| (row - here.start) as usize);
        Self { values: self.values.slice_dim(2, from..to), first: range.start, ..self }
    }

    /// Returns the rows of the convolution that depend on these rows alone.
    pub fn convolve(self, conv: &Conv2d) -> Self {
        let [above, below] = match conv.padding {
            PaddingConfig2d::Explicit(top, _, bottom, _) => [top, bottom],
            _ => [0, 0],
        };
        let ([stride, _], [.., kernel, _]) = (conv.stride, conv.weight.dims());
        let height = (self.height + above + below - kernel) / stride + 1;
        let range = self.range();
        let edge = |is_edge: bool| if is_edge && !self.wrap.y { Edge::Zeros } else { Edge::Cut };
        let (top, bottom) = (edge(range.start == 0), edge(range.end == self.height as isize));
        let (first, here) = match top {
            Edge::Zeros => (0, self),
            _ => {
                let (above, stride) = (above as isize, stride as isize);
                let first = (range.start + above + stride - 1).div_euclid(stride);
                (first, self.crop(first * stride - above..range.end))
            }
        };
        let sides = Edges::from(here.wrap).sides;
        let values = convolve_within(conv, here.values, Edges { top, bottom, sides });
        Self { values, first, height, wrap: here.wrap }
    }

    /// Returns each row and column twice.
    pub fn upsample(self) -> Self {
        Self { values: upsample(self.values), first: 2 * self.first, height: 2 * self.height, wrap: self.wrap }
    }
}
