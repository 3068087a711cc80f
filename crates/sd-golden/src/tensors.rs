use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::io::Write;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use serde_json::json;

use crate::data;

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

/// Returns the names and shapes of a list in `golden/SET/LIST.txt`.
///
/// # Panics
///
/// Panics if there is no such list.
pub fn listed(set: &str, list: &str) -> BTreeMap<String, Vec<usize>> {
    let text = read_to_string(data().join(set).join(format!("{list}.txt"))).expect("there is such a list");
    // A scalar has no sizes.
    let shape = |sizes: &str| sizes.split('x').filter_map(|size| size.parse().ok()).collect();
    let tensor = |line: &str| line.split_once(' ').map(|(key, sizes)| (key.to_string(), shape(sizes)));
    text.lines().map(|line| tensor(line).expect("a name and a shape")).collect()
}

/// Writes a safetensors file of tensors in half precision with these names and shapes. Its values are a hole, which takes no room.
///
/// # Panics
///
/// Panics if the file cannot be written.
pub fn write_hollow(shapes: &BTreeMap<String, Vec<usize>>, file: &Path) {
    let mut end = 0;
    let tensor = |(key, shape): (&String, &Vec<usize>)| {
        let start = end;
        end += 2 * shape.iter().product::<usize>();
        (key.clone(), json!({ "dtype": "F16", "shape": shape, "data_offsets": [start, end] }))
    };
    let header = serde_json::Value::Object(shapes.iter().map(tensor).collect()).to_string();
    let mut file = File::create(file).expect("the temporary folder can be written");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("the temporary folder can be written");
    file.write_all(header.as_bytes()).expect("the temporary folder can be written");
    file.set_len((8 + header.len() + end) as u64).expect("the file can have a hole");
}
