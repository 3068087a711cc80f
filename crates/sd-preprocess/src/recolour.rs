//! Grey images, as networks that colour them see them.

use sd_image::Image;

/// The lightness of CIE 1976 L\*a\*b\* as grey, in the fixed-point numbers of OpenCV. The colours are sRGB's.
///
/// AUTOMATIC1111 takes red for blue here, which makes blue brighter than red.
pub fn luminance(image: &Image, gamma: f64) -> Image {
    let (linear, roots) = (linear(), roots());
    let lightness = |pixel: &[u8]| {
        let light: u32 = (0..3).map(|colour| WEIGHTS[colour] * linear[usize::from(pixel[colour])]).sum();
        let root = roots[descale(light, WEIGHT_BITS) as usize];
        descale(SCALE * root - SHIFT, ROOT_BITS) as u8
    };
    grey(image, lightness, gamma)
}

/// The largest of red, green and blue as grey: the value of HSV.
pub fn intensity(image: &Image, gamma: f64) -> Image {
    grey(image, |pixel| pixel[0].max(pixel[1]).max(pixel[2]), gamma)
}

fn grey(image: &Image, value: impl Fn(&[u8]) -> u8, gamma: f64) -> Image {
    let powers: Vec<u8> = (0..=255_u8).map(|value| power(value, gamma)).collect();
    let pixels = image.rgb.chunks_exact(3).flat_map(|pixel| [powers[usize::from(value(pixel))]; 3]);
    Image { width: image.width, height: image.height, rgb: pixels.collect() }
}

/// A power of a byte as a part of 255, in single precision and cut off, as in AUTOMATIC1111.
fn power(value: u8, gamma: f64) -> u8 {
    ((f32::from(value) / 255.0).powf(gamma as f32) * 255.0) as u8
}

/// The weights of linear red, green and blue in the luminance (ITU-R 709), in units of 2⁻¹²; they sum to 1.
const WEIGHTS: [u32; 3] = [871, 2929, 296];
const WEIGHT_BITS: u32 = 12;
const ROOT_BITS: u32 = 15;
/// Of the lightness 116·f(Y) − 16, as a part of 100 times 255.
const SCALE: u32 = (116 * 255 + 50) / 100;
const SHIFT: u32 = (16 * 255 * (1 << ROOT_BITS) + 50) / 100;
/// Linear light has three bits more than a byte.
const LIGHT: f64 = 255.0 * 8.0;

fn descale(value: u32, bits: u32) -> u32 {
    (value + (1 << (bits - 1))) >> bits
}

/// The linear light of each byte (IEC 61966-2-1), in units of 1/2040.
fn linear() -> Vec<u32> {
    let light = |byte: u32| {
        let x = f64::from(byte) / 255.0;
        let light = if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) };
        (LIGHT * light).round() as u32
    };
    (0..256).map(light).collect()
}

/// f(Y) of CIE 1976 for each linear light: the cube root, and a line near black.
fn roots() -> Vec<u32> {
    let root = |light: u32| {
        let x = f64::from(light) / LIGHT;
        let root = if x < 0.008_856 { x * 7.787 + 4.0 / 29.0 } else { x.cbrt() };
        (f64::from(1 << ROOT_BITS) * root).round() as u32
    };
    (0..=LIGHT as u32).map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(image: &Image) -> u8 {
        image.rgb[0]
    }

    #[test]
    fn lightness_is_that_of_the_colour_space() {
        let lightness = |rgb: [u8; 3]| pixel(&luminance(&Image { width: 1, height: 1, rgb: rgb.to_vec() }, 1.0));
        // L* of sRGB's primaries is 53.24, 87.73 and 32.30, and that of the grey 119 is 50.03.
        let wanted = [53.24, 87.73, 32.30, 50.03, 0.0, 100.0].map(|lightness: f64| (lightness * 2.55).round() as u8);
        let found = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [119; 3], [0; 3], [255; 3]].map(lightness);
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_gamma_of_one_keeps_every_value() {
        assert!((0..=255).all(|value| power(value, 1.0) == value));
        assert_eq!((power(128, 2.0), power(64, 0.5), power(0, 0.1), power(255, 10.0)), (64, 127, 0, 255));
    }
}
