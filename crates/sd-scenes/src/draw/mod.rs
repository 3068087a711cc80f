//! From a scene to its image: from the sky to the rain or snow in front of everything.

mod brush;
mod clouds;
mod falling;
mod gradient;
mod lamp;
mod land;
mod layout;
mod light;
mod objects;
mod palette;
mod rgb;
mod sky;
mod spot;

use tiny_skia::Pixmap;

use crate::rng::Rng;
use crate::{Image, Scene};
use brush::Brush;
use lamp::Lamp;
use palette::Palette;

/// Dots of the drawing per pixel of the image in each direction; their mean is smoother than tiny-skia's sixteen samples.
const DOTS: usize = 2;

impl Scene {
    /// Draws the scene, `pixels` wide and high, preferably 64 or more.
    ///
    /// The seed chooses what captions never mention: the shapes of hills, the positions of clouds, the exact positions of
    /// objects in their part of the image. With the same seed, scenes that differ in one attribute are otherwise alike.
    ///
    /// # Panics
    ///
    /// Panics if the scene does not [fit together](Scene::check) or `pixels` is 0.
    pub fn draw(&self, seed: u64, pixels: usize) -> Image {
        if let Err(error) = self.check() {
            panic!("the scene cannot be drawn: {error}");
        }
        let dots = u32::try_from(pixels * DOTS).expect("the width is a number of pixels");
        let mut pixmap = Pixmap::new(dots, dots).expect("an image has a pixel at least");
        let palette = Palette::new(self.time, self.sky);
        let lamp = Lamp::new(self, &mut Rng::new(seed, "lamp"));
        let mut brush = Brush::new(&mut pixmap, palette.land);
        sky::draw(&mut brush, self.sky, &palette, lamp.as_ref(), seed);
        land::draw(&mut brush, self.place, &palette, lamp.as_ref(), &mut Rng::new(seed, "land"));
        for spot in layout::spots(self, &mut Rng::new(seed, "layout")) {
            spot.draw(&mut brush, self.place, &palette);
        }
        falling::draw(&mut brush, self.sky, &mut Rng::new(seed, "falling"));
        Image { pixels, rgb: means(&pixmap, pixels) }
    }
}

/// Computes the mean of the dots of each pixel. The drawing is opaque everywhere.
fn means(pixmap: &Pixmap, pixels: usize) -> Vec<u8> {
    let dots = pixmap.data();
    let mut rgb = Vec::with_capacity(pixels * pixels * 3);
    for (row, column, part) in (0..pixels * pixels * 3).map(|at| (at / 3 / pixels, at / 3 % pixels, at % 3)) {
        let dot =
            |y: usize, x: usize| u32::from(dots[((row * DOTS + y) * pixels * DOTS + column * DOTS + x) * 4 + part]);
        let sum: u32 = (0..DOTS * DOTS).map(|at| dot(at / DOTS, at % DOTS)).sum();
        let count = (DOTS * DOTS) as u32;
        rgb.push(((sum + count / 2) / count) as u8);
    }
    rgb
}
