//! The tokenizer and the text encoders against the reference.

mod keys;
mod networks;
mod tokenizer;
