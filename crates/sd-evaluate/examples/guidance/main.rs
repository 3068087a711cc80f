//! What each kind of guidance, and what weights in prompts do to the images of the built-in model: the tables of
//! docs/guidance.md and docs/prompts.md.
//!
//! `cargo run --release --example guidance -- [CAPTIONS] [CAPTIONS WITH A COLOUR]`; 0 leaves out a table.

#![allow(clippy::print_stdout, reason = "the figures are the output")]

mod emphasis;
mod model;
mod share;
mod variants;
mod whole;

use std::env;
use std::error::Error;

use model::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let captions = |nth| env::args().nth(nth).map_or(Ok(300), |captions| captions.parse());
    let (captions, coloured) = (captions(1)?, captions(2)?);
    let model = Model::open()?;
    if captions > 0 {
        whole::table(&model, captions)?;
    }
    if coloured > 0 {
        emphasis::table(&model, coloured)?;
    }
    Ok(())
}
