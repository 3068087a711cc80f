/// The number of zeros on each side of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns on the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns on the right.
    pub right: usize,
}

impl Padding {
    /// The same number on all sides.
    pub const fn around(zeros: usize) -> Self {
        Self { top: zeros, left: zeros, bottom: zeros, right: zeros }
    }

    /// Returns the height and width of a convolution's output.
    #[cfg(any(feature = "gpu", feature = "flex"))]
    pub(crate) fn out(self, [height, width]: [usize; 2], [rows, columns]: [usize; 2], stride: usize) -> [usize; 2] {
        [(height + self.top + self.bottom - rows) / stride + 1, (width + self.left + self.right - columns) / stride + 1]
    }
}
