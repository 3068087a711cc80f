use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};

/// Tensors by key: shapes and numbers.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Writes tensors as a safetensors file.
///
/// # Panics
///
/// Panics where the numbers are not as many as a shape says, or the file cannot be written.
pub fn write_tensors(tensors: &Tensors, file: &Path) {
    let view = |shape: &[usize], numbers| TensorView::new(Dtype::F32, shape.to_vec(), bytemuck::cast_slice(numbers));
    let views =
        tensors.iter().map(|(key, (shape, numbers))| (key, view(shape, numbers).expect("numbers for the shape")));
    serialize_to_file(views, None, file).expect("the file can be written");
}
