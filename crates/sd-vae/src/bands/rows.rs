use std::ops::Range;

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use sd_ops::{Edge, Edges, Wrap, convolve_within};

use crate::upsample::upsample_rows;

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
    /// All rows of a map, `[batch, channels, height, width]`.
    pub fn whole(values: Tensor<4>, wrap: Wrap) -> Self {
        let height = values.dims()[2];
        Self { values, first: 0, height, wrap }
    }

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
        let edges = self.edges();
        let (first, x) = match edges.top {
            Edge::Cut => {
                let (above, stride, range) = (above as isize, stride as isize, self.range());
                let first = (range.start + above + stride - 1).div_euclid(stride);
                (first, self.crop(first * stride - above..range.end))
            }
            _ => (0, self),
        };
        Self { values: convolve_within(conv, x.values, edges), first, height, wrap: x.wrap }
    }

    /// What is beyond these rows.
    fn edges(&self) -> Edges {
        let (Range { start, end }, whole) = (self.range(), Edges::from(self.wrap));
        let (is_first, is_last) = (start == 0, end == self.height as isize);
        let edge = |is_edge, edge| if is_edge { edge } else { Edge::Cut };
        Edges {
            // The opposite row is here only if all are.
            top: edge(is_first && (is_last || !self.wrap.y), whole.top),
            bottom: edge(is_last && (is_first || !self.wrap.y), whole.bottom),
            sides: whole.sides,
        }
    }

    /// Returns each row and column twice.
    pub fn upsample(self) -> Self {
        let all = 2 * self.range().start..2 * self.range().end;
        self.upsample_within(&all)
    }

    /// Returns each row and column twice, but only rows within `range`.
    pub fn upsample_within(self, range: &Range<isize>) -> Self {
        let Range { start, end } = self.range();
        let (first, last) = (range.start.max(2 * start), range.end.min(2 * end));
        let [from, to] = [first, last].map(|row| (row - 2 * start) as usize);
        Self { values: upsample_rows(self.values, from..to), first, height: 2 * self.height, wrap: self.wrap }
    }
}
