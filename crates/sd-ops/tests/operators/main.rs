//! The kernels against Burn's own operations and their derivatives.

mod common;
mod images;
mod tokens;
