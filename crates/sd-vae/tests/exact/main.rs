//! What autoencoders must do whatever their weights are.

mod bands;
mod seams;
