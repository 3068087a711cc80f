//! Trainings and the files they write.

mod adapting;
mod controlling;
mod folder;
mod learning;
mod peft;
mod values;
