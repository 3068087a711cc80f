//! Trainings and the files they write.

mod controlling;
mod distillation;
mod folder;
mod learning;
mod values;
