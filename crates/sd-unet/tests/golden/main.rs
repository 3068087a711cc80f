//! The U-Nets against the reference.

mod keys;
mod networks;
