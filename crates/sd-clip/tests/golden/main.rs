//! The tokenizer, the text encoders and the image encoders against the reference.

mod keys;
mod networks;
mod pixels;
mod tokenizer;
mod vision;
