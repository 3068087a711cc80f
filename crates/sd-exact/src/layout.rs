use burn::tensor::{DType, Device, Tensor, TensorData};

/// Lays out points of `K` coordinates as images: point `j` is column `j`.
///
/// # Shapes
///
/// - output: `[1, 1, K, points]`, in `f64`
pub fn images<const K: usize>(points: &[[f64; K]], device: &Device) -> Tensor<4> {
    let values: Vec<f64> = (0..K).flat_map(|k| points.iter().map(move |point| point[k])).collect();
    Tensor::from_data(TensorData::new(values, [1, 1, K, points.len()]), (device, DType::F64))
}

/// Returns the points of images: the inverse of [`images`].
///
/// # Shapes
///
/// - images: `[1, 1, K, points]`
///
/// # Panics
///
/// Panics if the images have another shape.
pub fn points<const K: usize>(images: Tensor<4>) -> Vec<[f64; K]> {
    let [batch, channels, coordinates, count] = images.dims();
    assert_eq!([batch, channels, coordinates], [1, 1, K], "images of {K} coordinates are [1, 1, {K}, points]");
    let values = values(images);
    (0..count).map(|j| std::array::from_fn(|k| values[k * count + j])).collect()
}

/// Reads the values of a tensor, row by row.
pub(crate) fn values(x: Tensor<4>) -> Vec<f64> {
    x.into_data().convert::<f64>().try_to_vec().expect("they were converted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_survive_being_images() {
        let list = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let images = images(&list, &Device::flex());
        assert_eq!(images.dims(), [1, 1, 2, 3]);
        assert_eq!(points(images), list);
    }
}
