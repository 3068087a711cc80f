//! The numbers of types in GGUF files.

use safetensors::Dtype;
use sd_quant::BlockKind;

use crate::stored_type::StoredType;

/// The first bytes of a file.
pub(crate) const MAGIC: &[u8; 4] = b"GGUF";

/// The types of tensors that are read, with their numbers.
const READ: [(u32, StoredType); 16] = [
    (0, StoredType::Plain(Dtype::F32)),
    (1, StoredType::Plain(Dtype::F16)),
    (2, StoredType::Blocks(BlockKind::Q4_0)),
    (3, StoredType::Blocks(BlockKind::Q4_1)),
    (6, StoredType::Blocks(BlockKind::Q5_0)),
    (7, StoredType::Blocks(BlockKind::Q5_1)),
    (8, StoredType::Blocks(BlockKind::Q8_0)),
    (12, StoredType::Blocks(BlockKind::Q4_K)),
    (13, StoredType::Blocks(BlockKind::Q5_K)),
    (14, StoredType::Blocks(BlockKind::Q6_K)),
    (24, StoredType::Plain(Dtype::I8)),
    (25, StoredType::Plain(Dtype::I16)),
    (26, StoredType::Plain(Dtype::I32)),
    (27, StoredType::Plain(Dtype::I64)),
    (28, StoredType::Plain(Dtype::F64)),
    (30, StoredType::Plain(Dtype::BF16)),
];

/// Names of other types, for messages.
const OTHERS: [(u32, &str); 15] = [
    (9, "q8_1"),
    (10, "q2_k"),
    (11, "q3_k"),
    (15, "q8_k"),
    (16, "iq2_xxs"),
    (17, "iq2_xs"),
    (18, "iq3_xxs"),
    (19, "iq1_s"),
    (20, "iq4_nl"),
    (21, "iq3_s"),
    (22, "iq2_s"),
    (23, "iq4_xs"),
    (29, "iq1_m"),
    (34, "tq1_0"),
    (35, "tq2_0"),
];

/// Returns the type of a number, if it is read.
pub(super) fn stored(number: u32) -> Option<StoredType> {
    READ.iter().find(|(known, _)| *known == number).map(|(_, stored)| *stored)
}

/// Returns the number of a type, if there is one.
pub(super) fn number(stored: StoredType) -> Option<u32> {
    READ.iter().find(|(_, known)| *known == stored).map(|(number, _)| *number)
}

/// Returns what to call a type that is not read.
pub(super) fn name(number: u32) -> String {
    let known = OTHERS.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("number {number}"), |(_, name)| (*name).to_string())
}
