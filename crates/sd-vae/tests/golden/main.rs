//! The autoencoders against the reference.

mod keys;
mod networks;
