//! The networks of adapters against the reference.

mod adapters;
mod keys;
mod networks;
