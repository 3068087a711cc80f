//! Convolution and its gradients.

pub(crate) mod forward;
pub(crate) mod gradients;
mod padded;
mod patches;
pub(crate) mod weights;
pub(crate) mod window;
pub(super) mod winograd;
