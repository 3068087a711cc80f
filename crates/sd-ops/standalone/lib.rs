//! The kernels of `sd-ops`, and their tests.
#![allow(dead_code, reason = "the operators that call them are not here")]

#[path = "../src/kernel/mod.rs"]
mod kernel;
