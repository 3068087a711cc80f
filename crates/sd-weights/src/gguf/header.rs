use std::io::{BufReader, Read, Take};

use super::MAGIC;

/// The longest header in bytes: that of a text model, with its vocabulary, has 10 MB.
const LONGEST: u64 = 100_000_000;
/// The longest name of a setting or a tensor, in bytes.
const LONGEST_NAME: u64 = 1 << 16;
/// The longest text that is kept as metadata, in bytes.
const LONGEST_TEXT: usize = 1 << 16;
/// The most sizes of a tensor.
const MOST_SIZES: u32 = 8;
/// The bytes that the values begin at a multiple of, if no setting says otherwise.
const ALIGNMENT: u64 = 32;

/// What a file says of itself, in its order.
pub(super) struct Header {
    pub settings: Vec<(String, Value)>,
    pub tensors: Vec<Tensor>,
    /// The byte that offsets count from.
    pub start: u64,
}

/// The value of a setting.
pub(super) enum Value {
    /// A text, a number or a truth value.
    Text(String),
    /// Some integers, none of which is negative.
    Sizes(Vec<usize>),
    /// A long text or another array, which is not kept.
    Skipped,
}

/// A tensor as the header describes it.
pub(super) struct Tensor {
    pub name: String,
    /// The length of a row first.
    pub sizes: Vec<usize>,
    pub dtype: u32,
    pub offset: u64,
}

impl Header {
    /// Reads it from the start of a file; an error is a reason.
    pub fn read(file: impl Read) -> Result<Self, String> {
        let mut reader = Reader { bytes: BufReader::new(file).take(LONGEST) };
        if reader.array()? != *MAGIC {
            return Err("it does not begin with GGUF".into());
        }
        match reader.u32()? {
            2 | 3 => {}
            version if version.swap_bytes() <= 3 => return Err("its bytes are in big-endian order".into()),
            version => return Err(format!("version {version}; 2 and 3 are read")),
        }
        let (tensor_count, setting_count) = (reader.u64()?, reader.u64()?);
        let mut alignment = ALIGNMENT;
        let mut settings = Vec::new();
        for _ in 0..setting_count {
            let key = reader.name()?;
            let kind = reader.u32()?;
            let value = reader.value(kind)?;
            if let ("general.alignment", Value::Text(text)) = (&key[..], &value) {
                let found = text.parse().ok().filter(|found: &u64| (1..=1 << 20).contains(found));
                alignment = found.ok_or_else(|| format!("an alignment of {text} bytes"))?;
            }
            settings.push((key, value));
        }
        let mut tensors = Vec::new();
        for _ in 0..tensor_count {
            tensors.push(reader.tensor()?);
        }
        let start = reader.read_so_far().next_multiple_of(alignment);
        Ok(Self { settings, tensors, start })
    }
}

/// Reads little-endian numbers, and not beyond the longest header. No length in the file is trusted before as many bytes were
/// read.
struct Reader<R> {
    bytes: Take<BufReader<R>>,
}

impl<R: Read> Reader<R> {
    fn read_so_far(&self) -> u64 {
        LONGEST - self.bytes.limit()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        self.bytes.read_exact(&mut array).map_err(|_| self.end())?;
        Ok(array)
    }

    fn end(&self) -> String {
        match self.bytes.limit() {
            0 => format!("a header of more than {LONGEST} bytes"),
            _ => "its header is cut off; download it again".into(),
        }
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.u64()?;
        let mut text = Vec::new();
        self.bytes.by_ref().take(length).read_to_end(&mut text).map_err(|error| error.to_string())?;
        if (text.len() as u64) < length {
            return Err(self.end());
        }
        String::from_utf8(text).map_err(|_| "a text in it is not UTF-8".into())
    }

    fn name(&mut self) -> Result<String, String> {
        let name = self.text()?;
        if name.len() as u64 > LONGEST_NAME { Err(format!("a name of {} bytes", name.len())) } else { Ok(name) }
    }

    fn skip(&mut self, count: u64) -> Result<(), String> {
        let skipped = std::io::copy(&mut self.bytes.by_ref().take(count), &mut std::io::sink());
        if skipped.map_err(|error| error.to_string())? < count { Err(self.end()) } else { Ok(()) }
    }

    /// Reads a value of a type of settings.
    fn value(&mut self, kind: u32) -> Result<Value, String> {
        const TEXT: u32 = 8;
        const ARRAY: u32 = 9;
        match kind {
            TEXT => {
                let text = self.text()?;
                Ok(if text.len() > LONGEST_TEXT { Value::Skipped } else { Value::Text(text) })
            }
            ARRAY => {
                let (kind, count) = (self.u32()?, self.u64()?);
                match (kind, width(kind)) {
                    (TEXT, _) => {
                        for _ in 0..count {
                            self.text()?;
                        }
                        Ok(Value::Skipped)
                    }
                    (_, Some(_)) if count <= MOST_SIZES.into() => {
                        let sizes = (0..count).map(|_| self.number(kind)).collect::<Result<Vec<_>, _>>()?;
                        let sizes: Option<Vec<usize>> = sizes.iter().map(|size| size.parse().ok()).collect();
                        Ok(sizes.map_or(Value::Skipped, Value::Sizes))
                    }
                    (_, Some(width)) => {
                        let bytes = count.checked_mul(width).ok_or_else(|| self.end())?;
                        self.skip(bytes).map(|()| Value::Skipped)
                    }
                    _ => Err(format!("an array of type {kind}")),
                }
            }
            _ => self.number(kind).map(Value::Text),
        }
    }

    /// Reads a number or a truth value, as text.
    fn number(&mut self, kind: u32) -> Result<String, String> {
        Ok(match kind {
            0 => u8::from_le_bytes(self.array()?).to_string(),
            1 => i8::from_le_bytes(self.array()?).to_string(),
            2 => u16::from_le_bytes(self.array()?).to_string(),
            3 => i16::from_le_bytes(self.array()?).to_string(),
            4 => u32::from_le_bytes(self.array()?).to_string(),
            5 => i32::from_le_bytes(self.array()?).to_string(),
            6 => f32::from_le_bytes(self.array()?).to_string(),
            7 => (self.array::<1>()? != [0]).to_string(),
            10 => u64::from_le_bytes(self.array()?).to_string(),
            11 => i64::from_le_bytes(self.array()?).to_string(),
            12 => f64::from_le_bytes(self.array()?).to_string(),
            _ => return Err(format!("a setting of type {kind}")),
        })
    }

    fn tensor(&mut self) -> Result<Tensor, String> {
        let name = self.name()?;
        let count = self.u32()?;
        if count > MOST_SIZES {
            return Err(format!("`{name}` has {count} dimensions"));
        }
        let sizes = (0..count).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let sizes = sizes.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>();
        let sizes = sizes.map_err(|_| format!("`{name}` is larger than this system's memory"))?;
        Ok(Tensor { name, sizes, dtype: self.u32()?, offset: self.u64()? })
    }
}

/// Returns the size in bytes of a number or a truth value of a type.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}
