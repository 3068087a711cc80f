//! The kernels for the processor, on slices of `f32`; they know nothing of tensors.

pub(crate) mod forward;
pub(crate) mod gradients;
pub(crate) mod norm;
mod padded;
#[cfg(test)]
mod tests;
pub(crate) mod vector;
pub(crate) mod window;
