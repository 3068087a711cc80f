use std::io::Read;
use std::rc::Rc;

use super::fault::{Fault, malformed};
use super::unpickler::{LONGEST_NAME, MOST_ARGUMENTS, Object, Unpickler, Value};

impl<R: Read> Unpickler<R> {
    /// Runs one instruction; returns false at the end.
    ///
    /// The letters are those of Python's `pickletools`.
    pub(super) fn step(&mut self) -> Result<bool, Fault> {
        let [code] = self.array()?;
        match code {
            b'.' => return Ok(false),
            0x80 => match self.array()? {
                [0..=5] => {}
                [version] => return malformed(format!("its pickle is of protocol {version}, expected at most 5")),
            },
            0x95 => drop(self.array::<8>()?),
            b'(' => self.mark()?,
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => self.top().and_then(|top| self.push(top))?,
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memory(code)?,
            b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'G' | b'I' | b'L' | b'F' => self.number(code)?,
            b'X' | 0x8c | 0x8d | b'V' | b'S' | b'T' | b'U' | b'B' | b'C' | 0x8e | 0x96 => self.text(code)?,
            b'}' | b']' | b')' | 0x8f | b't' | 0x85..=0x87 | b'l' | b'd' | 0x91 => self.container(code)?,
            b'a' | b'e' | b's' | b'u' | 0x90 => self.fill(code)?,
            b'c' | 0x93 | b'R' | b'b' | b'i' | b'o' | 0x81 | 0x92 | b'P' | b'Q' => self.refer(code)?,
            0x82..=0x84 => {
                let bytes = self.bytes([1, 2, 4][usize::from(code - 0x82)])?;
                return Err(Fault::Forbidden(format!("extension {}", unsigned(&bytes))));
            }
            _ => return malformed(format!("its pickle has an instruction {code:#04x}, which weights do not need")),
        }
        Ok(true)
    }

    fn memory(&mut self, code: u8) -> Result<(), Fault> {
        let index = match code {
            b'p' | b'g' => {
                let line = self.line()?;
                line.parse().or_else(|_| malformed(format!("its pickle has {line:?} for a memory index")))?
            }
            b'q' | b'h' => self.array::<1>()?[0].into(),
            b'r' | b'j' => u32::from_le_bytes(self.array()?),
            _ => self.memo.len() as u32,
        };
        if matches!(code, b'g' | b'h' | b'j') { self.recall(index) } else { self.remember(index) }
    }

    fn number(&mut self, code: u8) -> Result<(), Fault> {
        let value = match code {
            b'N' => Value::None,
            0x88 | 0x89 => Value::Bool(code == 0x88),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Value::Int(self.array::<1>()?[0].into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'G' => Value::Float(f64::from_be_bytes(self.array()?)),
            0x8a | 0x8b => {
                let length =
                    if code == 0x8a { self.array::<1>()?[0].into() } else { u32::from_le_bytes(self.array()?) };
                let bytes = self.bytes(length.into())?;
                match bytes.len() {
                    0..=8 => Value::Int(signed(&bytes)),
                    _ => self.add(Object::Long(bytes))?,
                }
            }
            _ => match (code, self.line()?.trim_end_matches('L')) {
                (b'I', "00") => Value::Bool(false),
                (b'I', "01") => Value::Bool(true),
                (b'F', text) => Value::Float(text.parse().or_else(|_| malformed(format!("{text:?} for a number")))?),
                (_, text) => Value::Int(text.parse().or_else(|_| malformed(format!("{text:?} for an integer")))?),
            },
        };
        self.push(value)
    }

    fn text(&mut self, code: u8) -> Result<(), Fault> {
        let length = match code {
            b'V' | b'S' => {
                let line = self.line()?;
                let text = line.trim_matches(if code == b'S' { &['\'', '"'][..] } else { &[] }).to_string();
                return self.push_object(Object::Text(text));
            }
            0x8c | b'U' | b'C' => self.array::<1>()?[0].into(),
            b'X' | b'T' | b'B' => u64::from(u32::from_le_bytes(self.array()?)),
            _ => u64::from_le_bytes(self.array()?),
        };
        let bytes = self.bytes(length)?;
        let is_text = !matches!(code, b'B' | b'C' | 0x8e | 0x96);
        self.push_object(match String::from_utf8(bytes) {
            Ok(text) if is_text => Object::Text(text),
            Ok(text) => Object::Bytes(text.into_bytes().into()),
            // Python 2 wrote bytes as texts.
            Err(error) => Object::Bytes(error.into_bytes().into()),
        })
    }

    fn container(&mut self, code: u8) -> Result<(), Fault> {
        let object = match code {
            b'}' => Object::Dict(Vec::new()),
            b']' => Object::List(Vec::new()),
            b')' => Object::Tuple(Vec::new()),
            0x8f => Object::Opaque,
            b't' => Object::Tuple(self.pop_mark()?),
            b'l' => Object::List(self.pop_mark()?),
            b'd' => Object::Dict(pairs(&self.pop_mark()?)?),
            0x91 => {
                self.pop_mark()?;
                Object::Opaque
            }
            _ => {
                let mut items = Vec::new();
                for _ in 0x85..=code {
                    items.insert(0, self.pop()?);
                }
                Object::Tuple(items)
            }
        };
        self.push_object(object)
    }

    /// Adds to the list, the dictionary or the set on top.
    fn fill(&mut self, code: u8) -> Result<(), Fault> {
        let items = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        let target = self.top()?;
        let is_list = matches!(code, b'a' | b'e');
        match self.object_mut(target) {
            Some(Object::List(list)) if is_list => list.extend(items),
            Some(Object::Dict(entries)) if matches!(code, b's' | b'u') => entries.extend(pairs(&items)?),
            Some(Object::Opaque) => {}
            _ => return malformed("its pickle adds to a value that is not a list, dictionary or set"),
        }
        Ok(())
    }

    /// Names a function or a class, or evaluates a call of one.
    fn refer(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            b'c' => {
                let name = name(&self.line()?, &self.line()?)?;
                self.push_object(Object::Global(name))
            }
            0x93 => {
                let (last, module) = (self.pop()?, self.pop()?);
                match (self.object(module), self.object(last)) {
                    (Some(Object::Text(module)), Some(Object::Text(last))) => {
                        let name = name(module, last)?;
                        self.push_object(Object::Global(name))
                    }
                    _ => malformed("its pickle names something with a value that is not a text"),
                }
            }
            b'i' => {
                let name = name(&self.line()?, &self.line()?)?;
                let arguments = self.pop_mark()?;
                self.call(&name, &arguments)
            }
            b'o' => {
                let items = self.pop_mark()?;
                let Some((class, arguments)) = items.split_first() else {
                    return malformed("its pickle makes an object without a class");
                };
                self.apply(*class, arguments)
            }
            b'R' | 0x81 | 0x92 => {
                if code == 0x92 {
                    self.pop()?;
                }
                let (arguments, callee) = (self.pop()?, self.pop()?);
                match self.object(arguments) {
                    Some(Object::Tuple(arguments)) if arguments.len() <= MOST_ARGUMENTS => {
                        self.apply(callee, &arguments.clone())
                    }
                    _ => malformed("its pickle calls something without a tuple of a few arguments"),
                }
            }
            b'b' => {
                let state = self.pop()?;
                self.build(state)
            }
            b'P' => {
                self.line()?;
                malformed("its pickle names its storages with texts, which no version of PyTorch does")
            }
            _ => {
                let id = self.pop()?;
                self.persistent(id)
            }
        }
    }
}

/// Joins a module and the name of something in it.
fn name(module: &str, name: &str) -> Result<Rc<str>, Fault> {
    if module.len() + name.len() > LONGEST_NAME {
        return malformed(format!("its pickle names something with more than {LONGEST_NAME} bytes"));
    }
    Ok(format!("{module}.{name}").into())
}

fn pairs(items: &[Value]) -> Result<Vec<(Value, Value)>, Fault> {
    match items.len().is_multiple_of(2) {
        true => Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
        false => malformed("its pickle has a key without a value"),
    }
}

/// Decodes up to eight bytes, the lowest first, in two's complement.
fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = [if negative { 0xff } else { 0 }; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(all)
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
