//! The kernels against Burn's own operations and their derivatives.

mod common;
mod devices;
mod images;
mod parts;
mod tokens;
