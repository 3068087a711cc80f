use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

#[cfg(feature = "flex")]
use crate::flex::{fits, fits_weight};
use crate::mixed::in_precision;
use crate::padding::Padding;

/// Returns the convolution of `x` with `weight` (not flipped), with the same stride for rows and columns.
///
/// # Shapes
///
/// - `x`: `[batch, channels_in, height, width]`
/// - `weight`: `[channels_out, channels_in, kernel_height, kernel_width]`, in half precision or in the precision of `x`; see
///   [`linear`](crate::linear)
/// - `bias`: `[channels_out]`
/// - output: `[batch, channels_out, (height + top + bottom - kernel_height) / stride + 1, …]`
///
/// # Panics
///
/// Panics if the channels differ, if the stride is 0, or if the kernel is larger than the padded image.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize, padding: Padding) -> Tensor<4> {
    let ([_, channels, height, width], [outputs, inputs, rows, columns]) = (x.dims(), weight.dims());
    assert_eq!(channels, inputs, "channels of the image and input channels of the weight");
    assert!(
        bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]),
        "the bias needs one value for each of the {outputs} output channels"
    );
    let padded = [height + padding.top + padding.bottom, width + padding.left + padding.right];
    assert!(
        stride > 0 && rows > 0 && columns > 0 && padded[0] >= rows && padded[1] >= columns,
        "a kernel of {rows}×{columns} with stride {stride} does not fit a padded image of {padded:?}"
    );
    #[cfg(feature = "flex")]
    if fits(&x) && (fits(&weight) || fits_weight(&weight)) && bias.as_ref().is_none_or(fits) {
        return crate::flex::images::conv2d(x, weight, bias, stride, padding);
    }
    #[cfg(feature = "gpu")]
    if crate::gpu::convolves(&x, &weight) {
        return crate::gpu::conv2d(x, weight, bias, stride, padding);
    }
    portable(x, weight, bias, stride, padding)
}

/// [`conv2d`] in Burn's own operations.
pub(crate) fn portable(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    Padding { top, left, bottom, right }: Padding,
) -> Tensor<4> {
    let weight = in_precision(weight, x.dtype());
    let options = ConvOptions::new_with_padding([stride, stride], [(top, bottom), (left, right)], [1, 1], 1);
    burn::tensor::module::conv2d(x, weight, bias, options)
}
