use std::collections::BTreeMap;

use crate::stored_type::StoredType;
use crate::tensor_view::TensorView;

/// A tensor of a file to write.
pub(crate) struct Draft<'a> {
    pub key: &'a str,
    pub stored: StoredType,
    pub shape: Vec<usize>,
    /// Its parts, in their order along its first dimension.
    pub parts: &'a BTreeMap<usize, TensorView>,
}

impl Draft<'_> {
    /// The number of bytes of its values.
    pub fn bytes(&self) -> usize {
        self.stored.bytes(self.shape.iter().product()).expect("whole blocks, all of which files hold")
    }
}
