use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::ops::permute_nchw_to_nhwc;
use burn_cubecl::tensor::CubeTensor;

use super::cubes::rows_of_cubes;
use super::rows::{Rows, tokens};
use super::scratch::{in_parts, rows_at_a_time};
use crate::padding::Padding;

/// Units of a cube.
const UNITS: usize = 256;

/// Returns the convolution of an image `[batch, channels, height, width]`, as `[batch, pixels, outputs]`.
///
/// It computes products of matrices, for a block of pixels at a time. Burn has such products for matrix units only, and
/// otherwise sums each output separately, which takes three times as long on Mesa's software driver.
pub fn conv2d(x: CubeTensor, weight: CubeTensor, stride: usize, padding: Padding) -> CubeTensor {
    let [batch, channels, height, width] = x.meta.shape().dims();
    let [outputs, _, rows, columns] = weight.meta.shape().dims();
    let [high, wide] = padding.out([height, width], [rows, columns], stride);
    let length = rows * columns * channels;
    // Weights become channels-last, as images are.
    let weight = CubeBackend::float_reshape(into_contiguous(permute_nchw_to_nhwc(weight)), [outputs, length].into());
    let weight = CubeBackend::float_swap_dims(weight, 0, 1);
    let Rows { tensor: x, stride: row, .. } = Rows::new(tokens(x));

    let dtype = x.dtype;
    let product = |a, b| super::product::product(a, b, dtype);
    if [rows, columns, stride] == [1; 3] && padding == Padding::around(0) {
        return product(x, CubeBackend::float_reshape(weight, [1, length, outputs].into()));
    }
    let (client, device) = (x.client.clone(), x.device.clone());
    let pixels = batch * high * wide;
    let most = rows_at_a_time(&client, pixels, length, dtype);
    let out = in_parts(pixels, most, 0, |pixels| {
        let count = pixels.len();
        let patches = empty_device_contiguous_dtype(client.clone(), device.clone(), [count, length].into(), dtype);
        let sizes = PatchesLaunch::new(pixels.start, count * length, channels, rows, columns, wide, high);
        let image = ImageLaunch::new(height, width, row, stride, padding.top, padding.left);
        gather::launch(
            &client,
            rows_of_cubes((count * length).div_ceil(UNITS)),
            CubeDim::new_1d(UNITS as u32),
            x.clone().into_tensor_arg(),
            patches.clone().into_tensor_arg(),
            sizes,
            image,
            dtype_to_storage_type(dtype),
        );
        product(patches, weight.clone())
    });
    CubeBackend::float_reshape(out, [batch, high * wide, outputs].into())
}

/// What is gathered: for each output pixel, all values that its weights are multiplied with.
#[derive(CubeType, CubeLaunch)]
struct Patches {
    /// The first output pixel.
    first: usize,
    /// The number of values of all patches.
    count: usize,
    channels: usize,
    /// Rows and columns of the kernel.
    rows: usize,
    columns: usize,
    /// Width and height of the output.
    wide: usize,
    high: usize,
}

/// The image that is gathered from.
#[derive(CubeType, CubeLaunch)]
struct Image {
    height: usize,
    width: usize,
    /// Distance between pixels.
    row: usize,
    stride: usize,
    /// Zeros above.
    top: usize,
    /// Zeros on the left.
    left: usize,
}

#[cube(launch)]
fn gather<F: Float>(
    x: &Tensor<F>,
    out: &mut Tensor<F>,
    patches: &Patches,
    image: &Image,
    #[define(F)] _dtype: ElemType,
) {
    let place = ABSOLUTE_POS;
    if place >= patches.count {
        terminate!();
    }
    let channel = place % patches.channels;
    let weight = place / patches.channels;
    let column = weight % patches.columns;
    let row = weight / patches.columns % patches.rows;
    let pixel = patches.first + weight / (patches.columns * patches.rows);
    // The place in the padded image.
    let across = pixel % patches.wide * image.stride + column;
    let down = pixel / patches.wide % patches.high * image.stride + row;
    let mut value = F::new(0.0);
    if down >= image.top && down < image.top + image.height && across >= image.left && across < image.left + image.width
    {
        let start = pixel / (patches.wide * patches.high) * image.height + down - image.top;
        value = x[(start * image.width + across - image.left) * image.row + channel];
    }
    out[place] = value;
}
