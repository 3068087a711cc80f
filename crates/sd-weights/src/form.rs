use std::collections::BTreeMap;
use std::thread;

use burn::tensor::FloatDType;
use safetensors::Dtype;
use sd_quant::BlockKind;

use crate::WeightsError;
use crate::cast::Scalar;
use crate::stored_type::StoredType;
use crate::tensor_view::{Failed, TensorView};

/// The form in which the values of tensors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Each tensor's own type, or the narrowest float that holds its values exactly. GGUF files keep quantized blocks.
    #[default]
    Own,
    /// f32, f16 or bf16.
    Cast(FloatDType),
    /// Quantized blocks for the matrices of U-Nets and text encoders, in GGUF files. As in stable-diffusion.cpp, embeddings of
    /// words and times, convolutions and the autoencoder get half precision, and vectors keep their own.
    Blocks {
        /// A kind that is [written](BlockKind::is_written).
        kind: BlockKind,
        /// Whether tensors whose rows are no whole blocks become blocks too, except those of the first and the last
        /// convolution, as ComfyUI-GGUF writes them: in rows of other lengths. stable-diffusion.cpp does not read these.
        all: bool,
    },
}

impl From<Option<FloatDType>> for Form {
    fn from(dtype: Option<FloatDType>) -> Self {
        dtype.map_or(Self::Own, Self::Cast)
    }
}

/// Parts of names of matrices that stay in half precision.
const UNQUANTIZED: [&str; 10] = [
    "first_stage_model.",
    "conv_in.",
    "conv_out.",
    "time_embed.",
    "label_emb.",
    "embedding",
    "text_projection",
    "logit_scale",
    "diffusion_model.input_blocks.0.0.",
    "diffusion_model.out.2.",
];

impl Form {
    /// Returns the type that a tensor with these parts gets.
    pub(crate) fn of(
        self,
        key: &str,
        shape: &[usize],
        parts: &BTreeMap<usize, TensorView>,
        takes_blocks: bool,
    ) -> StoredType {
        let own = || own_dtype(parts).into();
        match self {
            Self::Own => common_blocks(parts).filter(|_| takes_blocks).map_or_else(own, StoredType::Blocks),
            Self::Cast(dtype) => file_type(dtype).into(),
            Self::Blocks { kind, all } => {
                let row = match shape {
                    [_, row] if row.is_multiple_of(kind.values()) => *row,
                    [_, _] | [_, _, _, _] if all => shape.iter().product(),
                    _ => 1,
                };
                let fits = row.is_multiple_of(kind.values()) && !UNQUANTIZED.iter().any(|part| key.contains(part));
                match own_dtype(parts) {
                    _ if fits => StoredType::Blocks(kind),
                    Dtype::F32 if shape.len() > 1 => Dtype::F16.into(),
                    own => own.into(),
                }
            }
        }
    }
}

/// Returns the kind of blocks that all parts consist of.
fn common_blocks(parts: &BTreeMap<usize, TensorView>) -> Option<BlockKind> {
    let kind = parts.values().next()?.block_kind()?;
    parts.values().all(|part| part.block_kind() == Some(kind)).then_some(kind)
}

/// Returns the narrowest precision that holds all parts exactly; for f8, which is not written, that is f16.
fn own_dtype(parts: &BTreeMap<usize, TensorView>) -> Dtype {
    let all = |dtypes: &[Dtype]| {
        let is_one = |stored| dtypes.iter().any(|dtype| StoredType::Plain(*dtype) == stored);
        let holds = |part: &TensorView| is_one(part.dtype) && part.scale.is_none();
        !parts.is_empty() && parts.values().all(holds)
    };
    match () {
        () if all(&[Dtype::F16, Dtype::F8_E4M3, Dtype::F8_E5M2]) => Dtype::F16,
        () if all(&[Dtype::BF16]) => Dtype::BF16,
        () => Dtype::F32,
    }
}

/// Returns the type of a precision in files.
pub(crate) fn file_type(dtype: FloatDType) -> Dtype {
    match dtype {
        FloatDType::F16 => Dtype::F16,
        FloatDType::BF16 => Dtype::BF16,
        _ => Dtype::F32,
    }
}

/// Returns the bytes of a part of a tensor in a type that [`Form::of`] gives.
pub(crate) fn encoded(key: &str, part: &TensorView, stored: StoredType) -> Result<Vec<u8>, WeightsError> {
    let kind = match stored {
        StoredType::Blocks(kind) => kind,
        StoredType::Plain(dtype) => {
            let dtype = match dtype {
                Dtype::F16 => FloatDType::F16,
                Dtype::BF16 => FloatDType::BF16,
                _ => FloatDType::F32,
            };
            return Ok(part.data(key, dtype, &part.shape)?.as_bytes().to_vec());
        }
    };
    if part.block_kind() == Some(kind)
        && let Some((_, blocks)) = part.blocks(key)?
    {
        return Ok(blocks);
    }
    let values = part.single(key)?;
    let fails = |found| part.error(key, Failed::NotFinite(found), kind.name());
    f32::check(&values).map_err(fails)?;
    let blocks = quantized(kind, &values);
    match blocks.chunks_exact(kind.bytes()).all(|block| kind.is_finite(block)) {
        true => Ok(blocks),
        false => Err(fails(f32::INFINITY)),
    }
}

/// Quantizes whole blocks on all cores.
fn quantized(kind: BlockKind, values: &[f32]) -> Vec<u8> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let blocks = values.len() / kind.values();
    let each = blocks.div_ceil(cores).max(1) * kind.values();
    let work = |part: &[f32]| kind.quantize(part).expect("a kind that is written");
    thread::scope(|scope| {
        let started: Vec<_> = values.chunks(each).map(|part| scope.spawn(move || work(part))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        started.into_iter().flat_map(join).collect()
    })
}
