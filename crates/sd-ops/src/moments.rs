use burn::tensor::activation::silu;
use burn::tensor::{DType, Tensor};

#[cfg(feature = "flex")]
use crate::flex::{fits_forward, moments as flex};

/// Mean and spread of each group of an image's channels, for the group norm of an image that is never whole in memory.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Values of a group.
    count: f64,
    /// The mean of each group, `[batch, groups]`.
    mean: Tensor<2>,
    /// The sum of squared distances from the mean, `[batch, groups]`.
    squares: Tensor<2>,
}

impl Moments {
    /// Returns the moments of an image or of some of its rows, in single precision.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if `groups` is zero or does not divide the channels.
    pub fn of(x: Tensor<4>, groups: usize) -> Self {
        let [batch, channels, height, width] = x.dims();
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "{channels} channels cannot be split into {groups} equal groups"
        );
        let values = channels / groups * height * width;
        let count = values as f64;
        #[cfg(feature = "flex")]
        if fits_forward(&x) {
            let [mean, squares] = flex::moments(x, groups);
            return Self { count, mean, squares };
        }
        let x = x.cast(DType::F32).reshape([batch, groups, values]);
        let mean = x.clone().mean_dim(2);
        let squares = (x - mean.clone()).square().sum_dim(2).squeeze_dim(2);
        Self { count, mean: mean.squeeze_dim(2), squares }
    }

    /// Returns the moments of two parts of an image together (Chan, Golub and LeVeque 1979), in which nothing cancels.
    ///
    /// # Panics
    ///
    /// Panics if batches or groups differ.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        assert_eq!(self.mean.dims(), other.mean.dims(), "batch and groups of two parts");
        let count = self.count + other.count;
        let apart = other.mean - self.mean.clone();
        Self {
            mean: self.mean + apart.clone() * (other.count / count),
            squares: self.squares + other.squares + apart.square() * (self.count * other.count / count),
            count,
        }
    }

    /// The root of the mean square of all values of each image, `[batch]`.
    pub fn root_mean_square(&self) -> Tensor<1> {
        let mean_squares = self.squares.clone() / self.count + self.mean.clone().square();
        mean_squares.mean_dim(1).squeeze_dim::<1>(1).sqrt()
    }

    /// Returns the SiLU of the [`group_norm`](crate::group_norm) of an image with these moments, for some of its rows.
    ///
    /// # Shapes
    ///
    /// - `x` and the output: `[batch, channels, height, width]`
    /// - `gamma` and `beta`, the scale and the shift: `[channels]`
    ///
    /// # Panics
    ///
    /// Panics if the batch is another one, or if `gamma` or `beta` is not as long as the channels.
    pub fn group_norm_silu(&self, x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<4> {
        let ([batch, channels, ..], [images, groups]) = (x.dims(), self.mean.dims());
        assert_eq!(batch, images, "images, and images with moments");
        assert_eq!([gamma.dims(), beta.dims()], [[channels]; 2], "gamma and beta need one value for each channel");
        let of_channels = |of_groups: Tensor<2>| {
            let width = channels / groups;
            of_groups.reshape([batch, groups, 1]).expand([batch, groups, width]).reshape([batch, channels])
        };
        let rows = |parameter: Tensor<1>| parameter.cast(DType::F32).unsqueeze::<2>().expand([batch, channels]);
        let scale = (self.squares.clone() / self.count + eps).sqrt().recip();
        let mean = of_channels(self.mean.clone());
        let factor = of_channels(scale) * rows(gamma);
        let shift = rows(beta);
        #[cfg(feature = "flex")]
        if fits_forward(&x) {
            return flex::normalise_silu(x, mean, factor, shift);
        }
        let dtype = x.dtype();
        let [mean, factor, shift] = [mean, factor, shift].map(|values| values.reshape([batch, channels, 1, 1]));
        silu((x.cast(DType::F32) - mean) * factor + shift).cast(dtype)
    }
}
