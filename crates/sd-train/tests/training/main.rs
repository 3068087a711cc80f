//! Trainings and the files they write.

mod adapting;
mod controlling;
mod distillation;
mod folder;
mod inverting;
mod learning;
mod peft;
mod prior;
mod seeded;
mod values;
mod xl;
