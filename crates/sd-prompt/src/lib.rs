#![doc = include_str!("../README.md")]

mod attention;
mod chunks;
mod embeddings;
mod expand;
mod fragment;
mod names;
mod nested;
mod number;
mod prompt;
mod schedule;
mod styles;
mod syntax;
mod tags;
mod text;
mod words;

pub use chunks::{Chunk, Chunks};
pub use expand::{All, ExpandError, Template, Wildcards};
pub use fragment::Fragment;
pub use prompt::{Part, Phase, Prompt};
pub use styles::{Style, StyleError, Styles};
pub use syntax::{Syntax, SyntaxError};
pub use tags::LoraTag;
pub use text::Text;
