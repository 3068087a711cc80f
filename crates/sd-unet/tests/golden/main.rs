//! The U-Nets against the reference.

mod altered;
mod keys;
mod networks;
