#![doc = include_str!("../README.md")]
//!
//! `cargo run --example sheet -- sheet.png` draws 36 samples on a sheet and prints their captions.
//!
//! # Overview
//!
//! - A [`Scene`] is plain data: a [`Place`], a [`Time`], a [`Sky`] and one to three [`Object`]s, each of a [`Kind`],
//!   with a [`Colour`], a [`Size`], a [`Side`] and a [`Count`]. [`Sky::fits`], [`Kind::fits`] and [`Kind::colours`] say
//!   which values go together; [`Scene::check`] checks a whole scene.
//! - [`Scene::random`] invents a scene, [`Scene::draw`] draws it, and [`Scene::caption`] describes it.
//! - [`Split`] numbers the samples of two sets without a common scene.
//! - [`CaptionFacts`] are the facts that a caption states about its scene: captions leave things out.
//! - [`words`] returns all words of captions.
//! - A [`Style`] is another way to draw them, for models to learn: [`pencil`] drawings.
//!
//! # Same seed, same pixels
//!
//! Random numbers come from ChaCha8. tiny-skia draws on the processor with nothing but sums, products, quotients and
//! square roots of 32-bit numbers, which are the same everywhere. Its feature `simd` is off; on x86-64, with SSE2 and
//! with AVX2, it changes no pixel of the images that the tests pin.

mod caption;
mod draw;
mod image;
mod pencil;
mod rng;
mod sample;
mod scene;
mod style;

pub use caption::{CaptionFacts, ObjectFacts, words};
pub use image::Image;
pub use pencil::pencil;
pub use sample::{Sample, Split};
pub use scene::{Colour, Count, Kind, Object, Place, Scene, SceneError, Side, Size, Sky, Time, UnknownName};
pub use style::Style;
