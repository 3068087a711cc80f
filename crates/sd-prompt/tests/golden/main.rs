//! Prompts and their chunks against the reference.

mod chunks;
mod prompts;
