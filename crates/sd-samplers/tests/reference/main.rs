//! Samplers against the implementations that others measure by, call by call.

mod diffusers;
mod dpm_solver;
mod k_diffusion;
