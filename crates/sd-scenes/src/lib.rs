#![doc = include_str!("../README.md")]
//!
//! `cargo run --example sheet -- sheet.png` draws 36 samples on a sheet and prints their captions.
//!
//! # What there is
//!
//! - A [`Scene`] is plain data: a [`Place`], a [`Time`], a [`Sky`] and one to three [`Object`]s, each of a [`Kind`],
//!   with a [`Colour`], a [`Size`], a [`Side`] and a [`Count`]. [`Sky::fits`], [`Kind::fits`] and [`Kind::colours`] say
//!   what goes together, [`Scene::check`] whether all of a scene does.
//! - [`Scene::random`] makes one up, [`Scene::draw`] draws it, [`Scene::caption`] words it.
//! - [`Split`] numbers the samples of two sets without a common scene.
//! - [`CaptionFacts`] is what a caption tells of its scene: captions leave things out.
//! - [`words`] are all that captions are made of.
//!
//! # Same seed, same pixels
//!
//! Random numbers are those of ChaCha8. Drawing is done by tiny-skia on the processor, and comes down to sums,
//! products, quotients and square roots of 32-bit numbers, which are the same everywhere. tiny-skia's feature `simd` is
//! off; on x86-64, with SSE2 and with AVX2, it changes no pixel of the images that the tests pin.

mod caption;
mod draw;
mod image;
mod rng;
mod sample;
mod scene;

pub use caption::{CaptionFacts, ObjectFacts, words};
pub use image::Image;
pub use sample::{Sample, Split};
pub use scene::{Colour, Count, Kind, Object, Place, Scene, SceneError, Side, Size, Sky, Time, UnknownName};
