//! The kernels of `sd-ops` and their tests, without Burn.
#![allow(dead_code, reason = "the operators that call them are in sd-ops")]

#[path = "../src/kernel/mod.rs"]
mod kernel;
