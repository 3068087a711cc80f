//! The networks against the reference, on tiny models, and what may come from strangers.

mod fuzz;
mod keys;
mod networks;
mod operators;
mod weights;

use sd_pipeline::{Device, device_by_name, device_names};

/// Every backend of this build, by its name.
fn devices() -> Vec<(&'static str, Device)> {
    let compiled = device_names().filter(|(_, compiled)| *compiled);
    compiled.map(|(name, _)| (name, device_by_name(name).unwrap())).collect()
}
