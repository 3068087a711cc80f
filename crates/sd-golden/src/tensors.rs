use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};

/// Tensors by key: shapes and values.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Writes tensors as a safetensors file.
///
/// # Panics
///
/// Panics if the number of values does not match a shape, or if the file cannot be written.
pub fn write_tensors(tensors: &Tensors, file: &Path) {
    let view = |shape: &[usize], values| TensorView::new(Dtype::F32, shape.to_vec(), bytemuck::cast_slice(values));
    let views =
        tensors.iter().map(|(key, (shape, values))| (key, view(shape, values).expect("values that match the shape")));
    serialize_to_file(views, None, file).expect("the file can be written");
}
