//! The normal numbers of PyTorch's CPU generator, bit for bit.
//!
//! A published seed identifies an image only together with its noise, which is mostly PyTorch's.
//!
//! The algorithm is ATen's: `MT19937RNGEngine.h`, `DistributionsHelper.h` for short draws, and `DistributionTemplates.h`
//! for longer ones, in the AVX2 variant that x86-64 machines run. Its logarithm, sine and cosine come from Cephes
//! (Moshier; through Pommier's `sse_mathfun.h` and Garberoglio's `avx_mathfun.h`).

use std::f32::consts::{FRAC_1_PI, FRAC_1_SQRT_2, TAU};

use serde::{Deserialize, Serialize};

/// The generator behind `torch.Generator("cpu").manual_seed(seed)`, for `float32`.
///
/// On every machine it agrees bit for bit with PyTorch 2.8 on x86-64 processors with AVX2. On other machines PyTorch uses
/// the platform's logarithm, sine and cosine, and differs from its x86-64 results in the last bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TorchNoise {
    engine: Mt19937,
    /// Box-Muller makes pairs: this is the second half of the last pair, until a short draw takes it.
    spare: Option<f64>,
}

impl TorchNoise {
    /// Makes the generator for `seed`; like PyTorch, it uses only the low 32 bits.
    pub fn new(seed: u64) -> Self {
        Self { engine: Mt19937::new(seed as u32), spare: None }
    }

    /// Draws the next `count` values, as `torch.randn` does for any shape with that many elements.
    ///
    /// The length of each draw matters: a draw of 48 equals one of 16 and one of 32, but not two of 24.
    pub fn randn(&mut self, count: usize) -> Vec<f32> {
        if count < BLOCK {
            return (0..count).map(|_| self.normal() as f32).collect();
        }
        let mut data: Vec<f32> = (0..count).map(|_| self.engine.uniform_f32()).collect();
        let (blocks, rest) = data.as_chunks_mut();
        blocks.iter_mut().for_each(box_muller);
        if !rest.is_empty() {
            // The last block overlaps finished values; all of it is drawn again.
            let last = data.last_chunk_mut().expect("a long draw holds a block");
            last.fill_with(|| self.engine.uniform_f32());
            box_muller(last);
        }
        data
    }

    /// The `normal_distribution<double>` of short draws. Long draws neither take nor drop its spare number.
    ///
    /// The cast to `f32` almost always hides differences between the `f64` functions of different platforms.
    fn normal(&mut self) -> f64 {
        self.spare.take().unwrap_or_else(|| {
            let theta = std::f64::consts::TAU * self.engine.uniform_f64();
            let radius = (-2.0 * (-self.engine.uniform_f64()).ln_1p()).sqrt();
            self.spare = Some(radius * theta.sin());
            radius * theta.cos()
        })
    }
}

/// Numbers transformed at a time: eight pairs, with the halves in one AVX register each.
const BLOCK: usize = 16;

/// Turns uniform numbers in `[0, 1)` into normal ones in place; pair `j` is `(block[j], block[j + 8])`.
fn box_muller(block: &mut [f32; BLOCK]) {
    let (first, second) = block.split_at_mut(BLOCK / 2);
    for (a, b) in first.iter_mut().zip(second) {
        let radius = (-2.0 * ln(1.0 - *a)).sqrt();
        let (sin, cos) = sin_cos(TAU * *b);
        // PyTorch adds the mean, which turns -0 into 0.
        *a = radius * cos + 0.0;
        *b = radius * sin + 0.0;
    }
}

// The next two functions fuse the multiply-adds that the compiler fused in PyTorch, and no others. They were compared
// with PyTorch for all 2^24 values of their uniform number; `mul_add` rounds once on every machine.

/// Natural logarithm of a normal `x > 0`: with `x = m 2^e` and `m` around 1, a polynomial in `m - 1`.
#[expect(clippy::excessive_precision, reason = "the digits that Cephes prints")]
fn ln(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 9] = [
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ];
    // In two parts, which together hold the digits that one `f32` lacks.
    const LN_2: (f32, f32) = (0.693359375, -2.12194440e-4);

    let mut m = f32::from_bits(x.to_bits() & 0x007f_ffff | 0x3f00_0000);
    let mut e = (x.to_bits() >> 23) as f32 - 126.0;
    if m < FRAC_1_SQRT_2 {
        m += m;
        e -= 1.0;
    }
    let x = m - 1.0;
    let z = x * x;
    let y = (horner(COEFFICIENTS, x) * x).mul_add(z, e * LN_2.1) - 0.5 * z;
    e.mul_add(LN_2.0, x + y)
}

/// Sine and cosine of `theta >= 0`: two polynomials in the distance to the nearest quarter turn.
#[expect(clippy::excessive_precision, reason = "the digits that Cephes prints")]
fn sin_cos(theta: f32) -> (f32, f32) {
    const SIN: [f32; 3] = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1];
    const COS: [f32; 3] = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2];
    // In three parts, which together hold the digits that one `f32` lacks.
    const FRAC_PI_4: [f32; 3] = [0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8];

    let octant = ((theta * (4.0 * FRAC_1_PI)) as u32).next_multiple_of(2);
    let x = FRAC_PI_4.iter().fold(theta, |x, part| (-part).mul_add(octant as f32, x));
    let z = x * x;
    let sin = (horner(SIN, z) * z).mul_add(x, x);
    let cos = (horner(COS, z) * z).mul_add(z, -0.5 * z) + 1.0;
    match octant % 8 {
        0 => (sin, cos),
        2 => (cos, -sin),
        4 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// The polynomial in `x` with these coefficients, the highest power first.
fn horner<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
    coefficients.into_iter().fold(0.0, |y, c| y.mul_add(x, c))
}

/// The Mersenne Twister of Matsumoto and Nishimura (1998), with their initialisation of 2002.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(Vec<u32>, usize)", into = "(Vec<u32>, usize)")]
struct Mt19937 {
    state: [u32; Self::N],
    /// The next word of `state` to hand out.
    next: usize,
}

impl Mt19937 {
    const N: usize = 624;
    const M: usize = 397;

    fn new(seed: u32) -> Self {
        let mut state = [seed; Self::N];
        for i in 1..Self::N {
            let previous = state[i - 1];
            state[i] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: Self::N }
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == Self::N {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..Self::N {
            let y = self.state[i] & 0x8000_0000 | self.state[(i + 1) % Self::N] & 0x7fff_ffff;
            let matrix = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + Self::M) % Self::N] ^ (y >> 1) ^ matrix;
        }
        self.next = 0;
    }

    /// Uniform in `[0, 1)` from the low 24 bits of a word.
    fn uniform_f32(&mut self) -> f32 {
        (self.next_u32() & 0x00ff_ffff) as f32 * 2f32.powi(-24)
    }

    /// Uniform in `[0, 1)` from the low 53 bits of two words, the high one drawn first.
    fn uniform_f64(&mut self) -> f64 {
        let word = u64::from(self.next_u32()) << 32 | u64::from(self.next_u32());
        (word & ((1 << 53) - 1)) as f64 * 2f64.powi(-53)
    }
}

impl From<Mt19937> for (Vec<u32>, usize) {
    fn from(engine: Mt19937) -> Self {
        (engine.state.to_vec(), engine.next)
    }
}

impl TryFrom<(Vec<u32>, usize)> for Mt19937 {
    type Error = String;

    fn try_from((state, next): (Vec<u32>, usize)) -> Result<Self, String> {
        let (words, expected) = (state.len(), Self::N);
        match state.try_into() {
            Ok(state) if next <= Self::N => Ok(Self { state, next }),
            _ => Err(format!("a Mersenne Twister at word {next} of {words}, but there are {expected}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_draw_leaves_the_generator_alone() {
        let mut noise = TorchNoise::new(0);
        assert!(noise.randn(0).is_empty());
        assert_eq!(noise.randn(16), TorchNoise::new(0).randn(16));
    }

    #[test]
    fn a_radius_of_zero_gives_no_negative_zeros() {
        let mut block = [0.0; BLOCK];
        block[8..].fill(0.5);
        box_muller(&mut block);
        assert!(block.iter().all(|x| x.to_bits() == 0));
    }
}
