//! Texts of other programs, and what other programs read of ours.

mod programs;
mod readers;
