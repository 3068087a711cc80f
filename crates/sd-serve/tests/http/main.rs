//! The server as its clients see it, over TCP, with an artist that draws plain colours.

mod fake;
mod jobs;
mod limits;
mod malformed;
mod mutated;
mod openai;
mod operation;
mod page;
mod queue;
mod restart;
mod sdapi;
mod support;
mod together;
