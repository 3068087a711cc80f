use std::collections::HashMap;
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;

use safetensors::Dtype;

use super::fault::{Fault, malformed};

/// The longest pickle in bytes. That of Stable Diffusion XL has 0.6 MB, that of a training with its optimiser a few.
pub(super) const MOST_BYTES: u64 = 64 << 20;

/// The most values on the stack, in the memo and in all, and the most that are copied: a hostile pickle then takes less than
/// 1 GB, and seconds. The limits below keep small what a few bytes can request again and again.
pub(super) const MOST_VALUES: usize = 1 << 22;

/// The longest name of a function, a storage or a tensor.
pub(super) const LONGEST_NAME: usize = 1000;

/// The most arguments of a call and dimensions of a tensor.
pub(super) const MOST_ARGUMENTS: usize = 32;

/// A value: a small one itself, or the index of a larger one in [`Pickle::objects`].
///
/// Values do not own each other, so nesting and cycles need no care.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Object(usize),
}

/// A larger value.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    Text(String),
    /// An integer of more than 64 bits, the lowest byte first.
    Long(Vec<u8>),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    /// The name of a function or a class, `module.name`, allowed or not.
    Global(Rc<str>),
    Storage(Rc<Storage>),
    Tensor(Rc<Tensor>),
    /// A `torch.nn.ParameterDict` without its parameters; it becomes a dictionary when its state is set.
    ParameterDict,
    Bytes(Arc<[u8]>),
    /// A type of NumPy's arrays; `None` if tensors do not have it.
    ArrayType(Option<Dtype>),
    /// A NumPy array without its values; it becomes a tensor when its state is set.
    Array,
    /// A value that is not needed.
    Opaque,
}

/// The memory that tensors are views of.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    pub key: String,
    /// `None` for untyped bytes, whose tensors give the type.
    pub dtype: Option<Dtype>,
    pub elements: usize,
    /// The bytes themselves, if they are in the pickle and not beside it.
    pub held: Option<Arc<[u8]>>,
}

/// A view of a storage; the offset and the strides count elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub storage: Rc<Storage>,
    pub dtype: Dtype,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// The values that a pickle describes.
#[derive(Debug)]
pub struct Pickle {
    pub root: Value,
    pub objects: Vec<Object>,
}

impl Pickle {
    /// Reads exactly one pickle.
    pub fn read(input: &mut impl Read) -> Result<Self, Fault> {
        let mut unpickler = Unpickler {
            input: input.take(MOST_BYTES),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: Vec::new(),
            copied: 0,
            encoded: 0,
        };
        while unpickler.step()? {}
        let root = unpickler.pop()?;
        Ok(Self { root, objects: unpickler.objects })
    }

    pub fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    pub fn text(&self, value: Value) -> Option<&str> {
        match self.object(value) {
            Some(Object::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match self.object(value) {
            Some(Object::Dict(entries)) => Some(entries),
            _ => None,
        }
    }

    pub fn list(&self, value: Value) -> Option<&[Value]> {
        match self.object(value) {
            Some(Object::List(items)) => Some(items),
            _ => None,
        }
    }

    /// Returns the value of a text key; of several, the last one counts, as in Python.
    pub fn get(&self, dict: Value, key: &str) -> Option<Value> {
        self.dict(dict)?.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|(_, value)| *value)
    }
}

/// The stack machine that interprets a pickle. It can build values, and call nothing.
pub(super) struct Unpickler<R> {
    pub input: std::io::Take<R>,
    pub stack: Vec<Value>,
    /// The height of the stack at each mark.
    pub marks: Vec<usize>,
    pub memo: HashMap<u32, Value>,
    pub objects: Vec<Object>,
    /// The number of values that calls have copied.
    pub copied: usize,
    /// The number of bytes decoded from texts.
    pub encoded: usize,
}

impl<R: Read> Unpickler<R> {
    pub fn push(&mut self, value: Value) -> Result<(), Fault> {
        if self.stack.len() == MOST_VALUES {
            return malformed(format!("its pickle has more than {MOST_VALUES} values on its stack"));
        }
        self.stack.push(value);
        Ok(())
    }

    pub fn add(&mut self, object: Object) -> Result<Value, Fault> {
        if self.objects.len() == MOST_VALUES {
            return malformed(format!("its pickle has more than {MOST_VALUES} values"));
        }
        self.objects.push(object);
        Ok(Value::Object(self.objects.len() - 1))
    }

    pub fn push_object(&mut self, object: Object) -> Result<(), Fault> {
        let value = self.add(object)?;
        self.push(value)
    }

    pub fn pop(&mut self) -> Result<Value, Fault> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    pub fn top(&self) -> Result<Value, Fault> {
        match self.stack.last() {
            Some(value) if self.stack.len() > self.marks.last().copied().unwrap_or(0) => Ok(*value),
            _ => malformed("its pickle takes a value from an empty stack"),
        }
    }

    pub fn mark(&mut self) -> Result<(), Fault> {
        if self.marks.len() == MOST_VALUES {
            return malformed(format!("its pickle has more than {MOST_VALUES} marks"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Pops the values above the last mark, and the mark.
    pub fn pop_mark(&mut self) -> Result<Vec<Value>, Fault> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => malformed("its pickle lacks a mark"),
        }
    }

    pub fn remember(&mut self, index: u32) -> Result<(), Fault> {
        if self.memo.len() == MOST_VALUES {
            return malformed(format!("its pickle remembers more than {MOST_VALUES} values"));
        }
        let value = self.top()?;
        self.memo.insert(index, value);
        Ok(())
    }

    pub fn recall(&mut self, index: u32) -> Result<(), Fault> {
        match self.memo.get(&index) {
            Some(value) => self.push(*value),
            None => malformed(format!("its pickle recalls value {index}, which it has not remembered")),
        }
    }

    /// Counts values that are looked at or copied, and refuses too many.
    pub fn spend(&mut self, values: usize) -> Result<(), Fault> {
        self.copied = self.copied.saturating_add(values);
        match self.copied > MOST_VALUES {
            true => malformed(format!("its pickle copies more than {MOST_VALUES} values")),
            false => Ok(()),
        }
    }

    pub fn object_mut(&mut self, value: Value) -> Option<&mut Object> {
        match value {
            Value::Object(index) => self.objects.get_mut(index),
            _ => None,
        }
    }

    pub fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    /// Reads `count` bytes. The buffer grows with the bytes that arrive, not with the count that the pickle claims.
    pub fn bytes(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        (&mut self.input).take(count).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < count {
            return Err(self.end());
        }
        Ok(bytes)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) if self.input.limit() < N as u64 => Err(self.end()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a line, without its end.
    pub fn line(&mut self) -> Result<String, Fault> {
        let mut line = Vec::new();
        loop {
            match self.array::<1>()? {
                [b'\n'] => return Ok(String::from_utf8_lossy(&line).into_owned()),
                [byte] => line.push(byte),
            }
        }
    }

    fn end(&self) -> Fault {
        match self.input.limit() {
            0 => Fault::Malformed(format!("its pickle is longer than {} MB", MOST_BYTES >> 20)),
            _ => std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into(),
        }
    }
}
