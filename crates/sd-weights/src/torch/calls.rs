use std::io::Read;
use std::rc::Rc;

use safetensors::Dtype;

use super::fault::{Fault, malformed};
use super::numpy;
use super::unpickler::{LONGEST_NAME, MOST_ARGUMENTS, MOST_VALUES, Object, Storage, Tensor, Unpickler, Value};

/// Allowed callables besides those that rebuild tensors and arrays. Their values are not needed.
const OPAQUE: [&str; 7] = [
    "__builtin__.set",
    "builtins.set",
    "builtins.frozenset",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.ndarray",
    "torch.device",
];

/// Callables that return their first argument, a tensor or an array, on a device or as a parameter.
const HANDED_ON: [&str; 7] = [
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_xla_tensor",
    "torch.Size",
    "torch.nn.parameter.Parameter",
];

/// Callables that make a tensor of a subclass or with attributes by calling another function.
const OF_TYPE: [&str; 3] =
    ["torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2", "torch.tensor._rebuild_from_type"];

/// The types of storages, by the names of their classes.
const STORAGES: [(&str, Option<Dtype>); 15] = [
    ("FloatStorage", Some(Dtype::F32)),
    ("HalfStorage", Some(Dtype::F16)),
    ("BFloat16Storage", Some(Dtype::BF16)),
    ("DoubleStorage", Some(Dtype::F64)),
    ("LongStorage", Some(Dtype::I64)),
    ("IntStorage", Some(Dtype::I32)),
    ("ShortStorage", Some(Dtype::I16)),
    ("CharStorage", Some(Dtype::I8)),
    ("ByteStorage", Some(Dtype::U8)),
    ("BoolStorage", Some(Dtype::BOOL)),
    ("ComplexFloatStorage", Some(Dtype::C64)),
    ("Float8_e4m3fnStorage", Some(Dtype::F8_E4M3)),
    ("Float8_e5m2Storage", Some(Dtype::F8_E5M2)),
    ("UntypedStorage", None),
    ("storage.UntypedStorage", None),
];

/// The types of tensors in untyped storages.
const DTYPES: [(&str, Dtype); 5] = [
    ("torch.float8_e4m3fn", Dtype::F8_E4M3),
    ("torch.float8_e5m2", Dtype::F8_E5M2),
    ("torch.uint16", Dtype::U16),
    ("torch.uint32", Dtype::U32),
    ("torch.uint64", Dtype::U64),
];

impl<R: Read> Unpickler<R> {
    /// Evaluates `callee(*arguments)` as Python would.
    pub(super) fn apply(&mut self, callee: Value, arguments: &[Value]) -> Result<(), Fault> {
        match self.object(callee) {
            Some(Object::Global(name)) => self.call(&name.clone(), arguments),
            _ => malformed("its pickle calls a value that is not a function"),
        }
    }

    /// Computes the result of calling the function `name`; nothing is ever called.
    pub(super) fn call(&mut self, name: &str, arguments: &[Value]) -> Result<(), Fault> {
        match (name, arguments) {
            ("collections.OrderedDict", []) | ("collections.defaultdict", _) => {
                self.push_object(Object::Dict(Vec::new()))
            }
            ("collections.OrderedDict", [items]) => {
                let entries = self.entries(*items)?;
                self.push_object(Object::Dict(entries))
            }
            (
                "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
                [storage, offset, shape, strides, ..],
            ) => {
                let tensor = self.tensor(*storage, None, [*offset, *shape, *strides])?;
                self.push_object(Object::Tensor(tensor.into()))
            }
            ("torch._utils._rebuild_tensor_v3", [storage, offset, shape, strides, _, _, dtype, ..]) => {
                let tensor = self.tensor(*storage, Some(*dtype), [*offset, *shape, *strides])?;
                self.push_object(Object::Tensor(tensor.into()))
            }
            ("torch.nn.modules.container.ParameterDict", []) => self.push_object(Object::ParameterDict),
            (name, [data, ..]) if HANDED_ON.contains(&name) => self.push(*data),
            (name, [function, _, arguments, ..]) if OF_TYPE.contains(&name) => {
                self.rebuild_from_type(*function, *arguments)
            }
            (name, arguments) if numpy::is_known(name) => {
                let object = self.call_numpy(name, arguments)?;
                self.push_object(object)
            }
            (name, _) if OPAQUE.contains(&name) => self.push_object(Object::Opaque),
            (name, _) => Err(Fault::Forbidden(name.to_string())),
        }
    }

    /// Evaluates the function that makes the tensor. The subclass that it gets afterwards changes none of its values.
    fn rebuild_from_type(&mut self, function: Value, arguments: Value) -> Result<(), Fault> {
        match (self.object(function), self.object(arguments)) {
            (Some(Object::Global(name)), Some(Object::Tuple(arguments)))
                if name.starts_with("torch._utils.") && arguments.len() <= MOST_ARGUMENTS =>
            {
                self.call(&name.clone(), &arguments.clone())
            }
            (Some(Object::Global(name)), _) => Err(Fault::Forbidden(name.to_string())),
            _ => malformed("its pickle makes a tensor with a value that is not a function"),
        }
    }

    /// Sets the state of the value on top. The states of dictionaries (their versions) and of tensors are not needed.
    pub(super) fn build(&mut self, state: Value) -> Result<(), Fault> {
        let target = self.top()?;
        let filled = match self.object(target) {
            Some(Object::Dict(_) | Object::Tensor(_) | Object::Opaque) => return Ok(()),
            Some(Object::ParameterDict) => Object::Dict(self.parameters(state)?),
            Some(Object::ArrayType(dtype)) => {
                let dtype = *dtype;
                Object::ArrayType(self.array_type(dtype, state))
            }
            Some(Object::Array) => self.rebuild_array(state)?,
            Some(Object::Global(name)) => return Err(Fault::Forbidden(format!("{name}.__setstate__"))),
            _ => return malformed("its pickle gives a state to a value that has none"),
        };
        if let Some(object) = self.object_mut(target) {
            *object = filled;
        }
        Ok(())
    }

    /// Returns the parameters in the state of a `torch.nn.ParameterDict`, which keeps them as every module does.
    fn parameters(&mut self, state: Value) -> Result<Vec<(Value, Value)>, Fault> {
        let no_parameters = || malformed("its pickle has a ParameterDict without parameters");
        let Some(Object::Dict(state)) = self.object(state) else { return no_parameters() };
        let named = |(name, _): &&(Value, Value)| matches!(self.object(*name), Some(Object::Text(text)) if text == "_parameters");
        let (looked_at, found) = (state.len(), state.iter().rev().find(named).map(|(_, value)| *value));
        let Some(Object::Dict(parameters)) = found.and_then(|value| self.object(value)) else { return no_parameters() };
        let spent = looked_at + parameters.len();
        let parameters = if spent <= MOST_VALUES - self.copied { parameters.clone() } else { Vec::new() };
        self.spend(spent)?;
        Ok(parameters)
    }

    /// Resolves PyTorch's reference to a storage: `("storage", type, key, device, elements)`.
    pub(super) fn persistent(&mut self, id: Value) -> Result<(), Fault> {
        let no_storage = || malformed("its pickle refers to something that is not a storage");
        let Some(Object::Tuple(parts)) = self.object(id) else { return no_storage() };
        // Before PyTorch 1.6 the class of a module was referred to as well, with its source text.
        if let (Some(&[kind, class]), true) = (parts.first_chunk(), parts.len() == 4)
            && matches!(self.object(kind), Some(Object::Text(kind)) if kind == "module")
        {
            return self.push(class);
        }
        let (&[kind, class, key, _, Value::Int(elements)], view) = parts.split_at(parts.len().min(5)) else {
            return no_storage();
        };
        let (Some(Object::Text(kind)), Some(Object::Global(class)), Some(Object::Text(key))) =
            (self.object(kind), self.object(class), self.object(key))
        else {
            return no_storage();
        };
        if kind != "storage" || !matches!(view, [] | [Value::None]) {
            return malformed("its pickle refers to a part of a storage, as only PyTorch before 0.4 did");
        }
        let name = class.strip_prefix("torch.").map(|name| name.strip_prefix("cuda.").unwrap_or(name));
        let Some((_, dtype)) = STORAGES.iter().find(|(known, _)| Some(*known) == name) else {
            return malformed(format!("its pickle has a storage of the type {class}"));
        };
        let Ok(elements) = usize::try_from(elements) else { return no_storage() };
        if key.len() > LONGEST_NAME {
            return malformed(format!("its pickle names a storage with more than {LONGEST_NAME} bytes"));
        }
        let storage = Storage { key: key.clone(), dtype: *dtype, elements, held: None };
        self.push_object(Object::Storage(storage.into()))
    }

    fn tensor(&self, storage: Value, dtype: Option<Value>, view: [Value; 3]) -> Result<Tensor, Fault> {
        let Some(Object::Storage(storage)) = self.object(storage) else {
            return malformed("its pickle has a tensor without a storage");
        };
        let given = dtype.and_then(|dtype| match self.object(dtype) {
            Some(Object::Global(name)) => DTYPES.iter().find(|(known, _)| **known == **name).map(|(_, dtype)| *dtype),
            _ => None,
        });
        let Some(dtype) = given.or(storage.dtype) else {
            return malformed("its pickle has a tensor of an unknown type");
        };
        let [Value::Int(offset), shape, strides] = view else {
            return malformed("its pickle has a tensor without an offset in its storage");
        };
        let offset = usize::try_from(offset).or_else(|_| malformed("its pickle has a tensor before its storage"))?;
        let (shape, strides) = (self.counts(shape)?, self.counts(strides)?);
        if shape.len() != strides.len() {
            return malformed(format!("its pickle has a tensor of shape {shape:?} with strides {strides:?}"));
        }
        Ok(Tensor { storage: Rc::clone(storage), dtype, offset, shape, strides })
    }

    /// Reads a tuple of integers from 0.
    pub(super) fn counts(&self, value: Value) -> Result<Vec<usize>, Fault> {
        let count = |item: &Value| match item {
            Value::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        };
        let counts = match self.object(value) {
            Some(Object::Tuple(items) | Object::List(items)) if items.len() <= MOST_ARGUMENTS => {
                items.iter().map(count).collect()
            }
            _ => None,
        };
        let wrong = "its pickle has a tensor whose shape or strides are not a few integers from 0";
        counts.map_or_else(|| malformed(wrong), Ok)
    }

    /// Reads a list of pairs.
    fn entries(&mut self, list: Value) -> Result<Vec<(Value, Value)>, Fault> {
        let entry = |item: &Value| match self.object(*item) {
            Some(Object::List(pair) | Object::Tuple(pair)) => <[Value; 2]>::try_from(&pair[..]).ok().map(Into::into),
            _ => None,
        };
        let entries: Option<Vec<_>> = match self.object(list) {
            Some(Object::List(items) | Object::Tuple(items)) if items.len() <= MOST_VALUES - self.copied => {
                items.iter().map(entry).collect()
            }
            _ => None,
        };
        self.copied += entries.as_ref().map_or(0, Vec::len);
        entries
            .map_or_else(|| malformed("its pickle makes a dictionary of values that are not pairs, or of too many"), Ok)
    }
}
