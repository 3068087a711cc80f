#![doc = include_str!("../README.md")]

mod block_kind;
mod blocks;
mod panels;
mod quantize;
mod quantize_super;
mod scale;
mod widen;
mod widen_super;

pub use block_kind::BlockKind;
pub use blocks::Blocks;
pub use panels::Panels;
