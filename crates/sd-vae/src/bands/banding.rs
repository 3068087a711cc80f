use burn::tensor::Tensor;

/// How an autoencoder cuts feature maps into bands of rows.
///
/// Whatever the numbers are, the image is the same up to rounding. The defaults are meant for images of every size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banding {
    /// The number of values in the widest tensor of a band. Several such tensors exist at a time.
    pub values: usize,
    /// The fewest rows of a band, for maps so wide that the values are fewer rows. A band costs the time of 2 to 6 rows more
    /// than it has.
    pub rows: usize,
    /// The number of values from which a map is kept in half precision between two layers, each band with a scale of its own.
    /// Arithmetic stays in the precision of the weights.
    pub half_from: usize,
}

impl Default for Banding {
    fn default() -> Self {
        Self { values: 1 << 21, rows: 4, half_from: 1 << 28 }
    }
}

impl Banding {
    /// Returns the height of all bands but the last of a map.
    pub(crate) fn band_rows(&self, channels: usize, [height, width]: [usize; 2]) -> usize {
        let rows = (self.values / (channels * width).max(1)).max(self.rows).clamp(1, height.max(1));
        // As equal as possible.
        height.div_ceil(height.div_ceil(rows)).max(1)
    }
}

/// Calls `f` for one image of a batch at a time, and returns the batch of its outputs.
pub(crate) fn each_image(images: Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    match images.dims()[0] {
        1 => f(images),
        batch => Tensor::cat((0..batch).map(|i| f(images.clone().slice_dim(0, i..i + 1))).collect(), 0),
    }
}
