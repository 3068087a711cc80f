//! Guidance against diffusers and formulas in PyTorch.

mod formulas;
