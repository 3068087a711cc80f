//! Mathematics shared by several methods.

pub(crate) mod adams_bashforth;
pub(crate) mod ancestral;
pub(crate) mod angle;
pub(crate) mod churn;
pub(crate) mod dormand_prince;
pub(crate) mod exponential_weights;
pub(crate) mod slopes;
pub(crate) mod transfer;
