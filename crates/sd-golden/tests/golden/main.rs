//! The whole system against the reference, on tiny models.

mod batch;
mod convert;
mod five_steps;
mod fuzz;
mod keys;
mod library;
mod lora;
mod networks;
mod operators;
mod pictures;
mod single_file;
mod small;
mod textual_inversion;
mod vae;
mod weights;
