//! Every sampler of the catalogue against exact answers: data whose best denoiser and paths are known (`sd-exact`).

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

mod adaptive;
mod brownian;
mod calls;
mod draws;
mod equalities;
mod inversion;
mod learned_variance;
mod middle;
mod orders;
mod processes;
mod pure_noise;
mod relatives;
mod rows;
mod state;
mod weak;
