//! NumPy's arrays, whose values are in the pickle itself. Tensors of some devices are stored like this.

use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;

use safetensors::Dtype;

use super::fault::{Fault, malformed};
use super::unpickler::{MOST_BYTES, Object, Storage, Tensor, Unpickler, Value};

/// The callables that make arrays, their types and their bytes.
const KNOWN: [&str; 6] = [
    "_codecs.encode",
    "numpy.dtype",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",
    "numpy._core.numeric._frombuffer",
];

/// The array types that tensors have too, by NumPy's codes.
const TYPES: [(&str, Dtype); 11] = [
    ("f2", Dtype::F16),
    ("f4", Dtype::F32),
    ("f8", Dtype::F64),
    ("i1", Dtype::I8),
    ("i2", Dtype::I16),
    ("i4", Dtype::I32),
    ("i8", Dtype::I64),
    ("u1", Dtype::U8),
    ("u2", Dtype::U16),
    ("u4", Dtype::U32),
    ("u8", Dtype::U64),
];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

impl<R: Read> Unpickler<R> {
    /// Computes the result of a [known](is_known) function; an opaque value if it is not an array that can be read.
    pub(super) fn call_numpy(&mut self, name: &str, arguments: &[Value]) -> Result<Object, Fault> {
        match (name, arguments) {
            ("_codecs.encode", [text, encoding, ..]) => self.encoded(*text, *encoding),
            ("numpy.dtype", [code, ..]) => {
                let dtype = self.as_text(*code).and_then(|code| TYPES.iter().find(|(known, _)| *known == code));
                Ok(Object::ArrayType(dtype.map(|(_, dtype)| *dtype)))
            }
            (name, [bytes, dtype, shape, order]) if name.ends_with("_frombuffer") => {
                self.filled(*shape, *dtype, self.as_text(*order) == Some("F"), *bytes)
            }
            (name, _) if name.ends_with("_reconstruct") => Ok(Object::Array),
            _ => Ok(Object::Opaque),
        }
    }

    /// Returns the type of an array, given its state: `(3, byte order, …)`.
    pub(super) fn array_type(&self, dtype: Option<Dtype>, state: Value) -> Option<Dtype> {
        let order = match self.object(state) {
            Some(Object::Tuple(state)) => state.get(1).and_then(|order| self.as_text(*order)),
            _ => None,
        };
        dtype.filter(|_| order.is_none_or(|order| order != ">"))
    }

    /// Builds an array, given its state: `(1, shape, type, whether the first dimension varies fastest, bytes)`.
    pub(super) fn rebuild_array(&self, state: Value) -> Result<Object, Fault> {
        match self.object(state) {
            Some(Object::Tuple(state)) => match state[..] {
                [_, shape, dtype, is_fortran, bytes] => {
                    self.filled(shape, dtype, is_fortran == Value::Bool(true), bytes)
                }
                _ => Ok(Object::Opaque),
            },
            _ => Ok(Object::Opaque),
        }
    }

    fn filled(&self, shape: Value, dtype: Value, is_fortran: bool, bytes: Value) -> Result<Object, Fault> {
        let (Some(Object::ArrayType(Some(dtype))), Some(Object::Bytes(bytes))) =
            (self.object(dtype), self.object(bytes))
        else {
            return Ok(Object::Opaque);
        };
        let shape = self.counts(shape)?;
        let elements = shape.iter().try_fold(1_usize, |product, n| product.checked_mul(*n));
        let expected = elements.and_then(|elements| elements.checked_mul(dtype.bitsize() / 8));
        if expected != Some(bytes.len()) {
            return malformed(format!("its pickle has an array of shape {shape:?} with {} bytes", bytes.len()));
        }
        let mut strides = vec![1; shape.len()];
        let step = |stride: &mut usize, n: usize| std::mem::replace(stride, stride.saturating_mul(n.max(1)));
        let mut stride = 1;
        match is_fortran {
            true => strides.iter_mut().zip(&shape).for_each(|(to, n)| *to = step(&mut stride, *n)),
            false => strides.iter_mut().zip(&shape).rev().for_each(|(to, n)| *to = step(&mut stride, *n)),
        }
        let held = Some(Arc::clone(bytes));
        let storage = Storage { key: String::new(), dtype: Some(*dtype), elements: elements.unwrap_or(0), held };
        Ok(Object::Tensor(Rc::new(Tensor { storage: storage.into(), dtype: *dtype, offset: 0, shape, strides })))
    }

    /// Decodes bytes that were written as the characters of a text.
    fn encoded(&mut self, text: Value, encoding: Value) -> Result<Object, Fault> {
        if !matches!(self.as_text(encoding), Some("latin1" | "latin-1")) {
            return Ok(Object::Opaque);
        }
        let length = self.as_text(text).map_or(0, str::len);
        self.encoded = self.encoded.saturating_add(length);
        if self.encoded as u64 > MOST_BYTES {
            return malformed(format!("its pickle makes more than {} MB of bytes from texts", MOST_BYTES >> 20));
        }
        let bytes: Option<Vec<u8>> =
            self.as_text(text).and_then(|text| text.chars().map(|c| u8::try_from(c).ok()).collect());
        Ok(bytes.map_or(Object::Opaque, |bytes| Object::Bytes(bytes.into())))
    }

    fn as_text(&self, value: Value) -> Option<&str> {
        match self.object(value) {
            Some(Object::Text(text)) => Some(text),
            _ => None,
        }
    }
}
