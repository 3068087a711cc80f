//! Trainings, and what they write.

mod folder;
mod learning;
mod numbers;
