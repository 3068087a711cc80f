//! Trainings and the files they write.

mod folder;
mod learning;
mod values;
