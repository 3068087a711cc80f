//! How well the built-in model's ControlNet makes images follow edges, and what that does to the agreement with captions: the
//! table of docs/control.md.
//!
//! `cargo run --release --example control -- [SCENES] [CONTROLNET]`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

mod images;
mod row;
#[path = "../guidance/share.rs"]
mod share;
mod subject;

use std::env;
use std::error::Error;
use std::path::PathBuf;

use images::Images;
use row::Row;
use sd_pipeline::ControlMode;
use share::{gain, percent};
use subject::Subject;

fn main() -> Result<(), Box<dyn Error>> {
    let scenes = env::args().nth(1).map_or(Ok(300), |scenes| scenes.parse())?;
    let shipped = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sd-scenes-control/edges");
    let images = Images::open(&env::args().nth(2).map_or_else(shipped, PathBuf::from))?;
    let subjects: Vec<Subject> = (0..scenes).map(Subject::held_out).collect();

    println!("{scenes} held-out scenes\n");
    println!(
        "| images | edges that are right | edges that are there | F1 | whole captions | gain | objects | colours | sides |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let renders = subjects.iter().map(|subject| subject.render.clone()).collect();
    let plain = Row::new(&images, &subjects, images.draw(&subjects, None, true)?);
    let print = |name: &str, row: &Row| println!("| {name} | {} |", row.cells(&plain));
    print("renders", &Row::new(&images, &subjects, renders));
    print("reconstructions", &Row::new(&images, &subjects, images.reconstruct(&subjects)?));
    print("drawn without control", &plain);
    for scale in [0.0, 0.5, 1.0, 1.5] {
        let drawn = images.draw(&subjects, Some((scale, ControlMode::Balanced)), true)?;
        print(&format!("scale {scale}"), &Row::new(&images, &subjects, drawn));
    }
    let drawn = images.draw(&subjects, Some((1.0, ControlMode::Control)), true)?;
    print("scale 1, `mode=control`", &Row::new(&images, &subjects, drawn));
    let drawn = images.draw(&subjects, Some((1.0, ControlMode::Balanced)), false)?;
    print("scale 1, without a caption", &Row::new(&images, &subjects, drawn));
    Ok(())
}
