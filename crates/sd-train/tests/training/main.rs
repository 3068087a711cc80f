//! Trainings and the files they write.

mod controlling;
mod folder;
mod learning;
mod values;
