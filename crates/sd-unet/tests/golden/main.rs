//! The U-Nets against the reference.

mod altered;
mod control;
mod keys;
mod networks;
mod recall;
