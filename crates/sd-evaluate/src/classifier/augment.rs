use sd_train::{Purpose, Stream};

/// The widest blur, in pixels: finer than the smallest thing that a caption mentions.
const WIDEST: f64 = 0.8;
/// The strongest noise, for pixels from −1 to 1.
const STRONGEST: f64 = 0.1;

/// Adds flaws such as an autoencoder or a model makes: half of the images are blurred and half get noise, independently,
/// with a uniform strength up to the maximum. A quarter stays clean.
///
/// A classifier trained only on clean renders may misread the slightest of such flaws, and then counts the model's flaws
/// as wrong objects.
pub(crate) fn spoil(planes: &mut [f32], pixels: usize, seed: u64, draw: u64) {
    let mut stream = Stream::new(seed, Purpose::Noise, draw);
    let [blurs, width, roughens, strength] = [(); 4].map(|()| stream.uniform());
    if blurs < 0.5 {
        let kernel = gaussian(WIDEST * width);
        planes.chunks_mut(pixels * pixels).for_each(|plane| blur(plane, pixels, kernel));
    }
    if roughens < 0.5 {
        planes.iter_mut().zip(stream.normals()).for_each(|(x, normal)| *x += (STRONGEST * strength * normal) as f32);
    }
}

/// Weights of a pixel and of its neighbours at distances 1 and 2, of a normal distribution; they sum to one.
fn gaussian(std: f64) -> [f32; 3] {
    let weight = |distance: f64| (-0.5 * (distance / std.max(1e-3)).powi(2)).exp();
    let all = weight(0.0) + 2.0 * (weight(1.0) + weight(2.0));
    [0.0, 1.0, 2.0].map(|distance| (weight(distance) / all) as f32)
}

/// Blurs along the rows and then along the columns; border pixels are repeated outside.
fn blur(plane: &mut [f32], pixels: usize, kernel: [f32; 3]) {
    for stride in [1, pixels] {
        let before = plane.to_vec();
        for (at, x) in plane.iter_mut().enumerate() {
            let along = at / stride % pixels;
            let neighbour = |step: isize| {
                let there = along.saturating_add_signed(step).min(pixels - 1);
                before[at + there * stride - along * stride]
            };
            *x = kernel[0] * before[at]
                + kernel[1] * (neighbour(-1) + neighbour(1))
                + kernel[2] * (neighbour(-2) + neighbour(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blurred_point_has_the_mass_and_the_width_of_the_blur() {
        let mut plane = vec![0.0; 81];
        plane[40] = 1.0;
        blur(&mut plane, 9, gaussian(0.8));
        let mass: f32 = plane.iter().sum();
        let variance = (0..81).map(|at| plane[at] * (at as f32 % 9.0 - 4.0).powi(2)).sum::<f32>();
        assert!((mass - 1.0).abs() < 1e-6, "{mass}");
        // The whole Gaussian has 0.64; the part beyond two pixels is missing.
        assert!((variance - 0.62).abs() < 0.02, "{variance}");
        assert!((plane[40 - 9] - plane[40 + 1]).abs() < 1e-7);
    }

    #[test]
    fn an_even_plane_stays_as_it_is_up_to_its_borders() {
        let mut plane = vec![0.5; 25];
        blur(&mut plane, 5, gaussian(0.7));
        assert!(plane.iter().all(|x| (x - 0.5).abs() < 1e-6), "{plane:?}");
    }

    #[test]
    fn a_quarter_of_the_images_is_left_alone() {
        let untouched = (0..400).filter(|draw| {
            let mut planes: Vec<f32> = (0..48).map(|at| (at % 3) as f32).collect();
            let before = planes.clone();
            spoil(&mut planes, 4, 1, *draw);
            planes.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-6)
        });
        let count = untouched.count();
        // 100, and 23 with too narrow a blur to show; the standard deviation is 9.
        assert!((123 - 28..123 + 28).contains(&count), "{count}");
    }
}
