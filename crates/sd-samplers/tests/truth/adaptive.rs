//! The probability-flow equation with a tolerance, and the classical multistep method in the paper's own time.

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_exact::{Mixture, error, images, stable_diffusion};
use sd_samplers::{DenoiseError, Denoiser, Fon, Pf, Sampler, TorchNoise, sample};
use sd_schedule::NoiseLevels;

/// From the noisiest level of Stable Diffusion to its smallest, in one step.
fn whole() -> NoiseLevels {
    NoiseLevels::new(vec![stable_diffusion().sigma_max(), stable_diffusion().sigma_min()]).unwrap()
}

/// The largest error of images of the ring with a tolerance, and the number of network calls.
fn drawn_with(tolerance: f64) -> (f64, usize) {
    let (data, levels, mut calls) = (Mixture::ring(), whole(), 0);
    let x = images(&[[-7.0, 2.0], [13.0, 1.0], [0.5, -9.0], [6.0, 18.0]], &Device::flex());
    let exact = data.path(x.clone(), levels.first(), levels.last());
    let mut counting = |x: Tensor<4>, sigma: f64| {
        calls += 1;
        data.denoiser().denoise(x, sigma)
    };
    (error(&Pf::new(tolerance), &mut counting, &x, &exact, &levels), calls)
}

#[test]
fn the_error_of_pf_follows_its_tolerance_at_the_cost_of_order_five() {
    let tolerances = [1e-4, 1e-6, 1e-8, 1e-10];
    let measured = tolerances.map(drawn_with);
    println!("{measured:?}");
    for (tolerance, (error, _)) in tolerances.into_iter().zip(measured) {
        // A walk has tens of parts, whose errors may add up or be spread.
        assert!(error < 30.0 * tolerance, "{error:e} with tolerance {tolerance:e}");
    }
    for pair in measured.windows(2) {
        let ([(before, few), (after, many)], hundredth) = ([pair[0], pair[1]], 100.0_f64);
        assert!(after < before / 5.0, "{before:e}, then {after:e}");
        // The error of a part has order 5, so a hundredth of it takes 100^(1/5) = 2.5 times as many.
        let growth = many as f64 / few as f64;
        assert!((1.2..1.4 * hundredth.powf(0.2)).contains(&growth), "{few} calls, then {many}");
    }
}

/// Rounding in single precision exceeds this tolerance.
#[test]
fn pf_ends_even_if_the_tolerance_cannot_be_met() {
    let (data, levels, mut calls) = (Mixture::ring(), whole(), 0);
    let mut rough = |x: Tensor<4>, sigma: f64| {
        calls += 1;
        Ok(data.denoiser().denoise(x, sigma)?.cast(DType::F32).cast(DType::F64))
    };
    let x = images(&[[-7.0, 2.0]], &Device::flex());
    let exact = data.path(x.clone(), levels.first(), levels.last());
    let drawn = sample(&Pf::new(1e-14), &mut rough, &mut TorchNoise::new(0), x, &levels).unwrap();
    let off: f64 = (drawn - exact).abs().max().into_scalar();
    assert!(off < 1e-6, "{off:e}");
    // At most a thousand parts, each after at most one attempt that was too long, and the attempts of the first.
    assert!(calls < 2 * 6 * 1100, "{calls}");
}

/// Standard deviation of the data of the next test, N(0.4, 0.5²).
const STD: f64 = 0.5;

/// A smooth variance-preserving process: `ln alpha_bar` falls with `t/4 + t²`, for `t` from 0 to 2.
fn sigma(t: f64) -> f64 {
    (t / 4.0 + t * t).exp_m1().sqrt()
}

/// The paper's equation 6 for one image of the data: `dx/dt = −(1/4 + 2t)/2·(x − eps/sqrt(1 − alpha_bar))`.
fn paper_slope(x: f64, t: f64) -> f64 {
    let (sigma, alpha) = (sigma(t), 1.0 / sigma(t).hypot(1.0));
    let eps = sigma * (x / alpha - 0.4) / (STD * STD + sigma * sigma);
    -(0.25 + 2.0 * t) / 2.0 * (x - eps / (sigma * alpha))
}

/// The paper's method in `steps` equal steps of `t`: three of Runge and Kutta, then Adams and Bashforth.
fn paper(x: f64, steps: usize, from: f64, to: f64) -> f64 {
    let (h, mut x, mut slopes) = ((to - from) / steps as f64, x, Vec::new());
    for i in 0..steps {
        let t = from + h * i as f64;
        slopes.push(paper_slope(x, t));
        let slope = match slopes[..] {
            [.., a, b, c, d] => (55.0 * d - 59.0 * c + 37.0 * b - 9.0 * a) / 24.0,
            _ => {
                let k1 = slopes[i];
                let k2 = paper_slope(x + k1 * h / 2.0, t + h / 2.0);
                let k3 = paper_slope(x + k2 * h / 2.0, t + h / 2.0);
                (k1 + 2.0 * k2 + 2.0 * k3 + paper_slope(x + k3 * h, t + h)) / 6.0
            }
        };
        x += slope * h;
    }
    x
}

/// Both have order 4, and their difference falls as fast as their errors: the choice of time is all that differs.
#[test]
fn fon_is_the_papers_method_up_to_an_error_of_order_four() {
    let (from, to) = (1.8, 0.3);
    let difference = |steps: usize| {
        let t = |i: usize| from + (to - from) * i as f64 / steps as f64;
        let levels = NoiseLevels::new((0..=steps).map(|i| sigma(t(i))).collect()).unwrap();
        let mut model = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
            Ok((x * (STD * STD) + 0.4 * sigma * sigma) / (STD * STD + sigma * sigma))
        };
        let start = TensorData::new(vec![1.3 * levels.first().hypot(1.0)], [1, 1, 1, 1]);
        let x = Tensor::from_data(start, (&Device::flex(), DType::F64));
        assert_eq!(Fon.calls(&levels), steps + 9);
        let drawn = sample(&Fon, &mut model, &mut TorchNoise::new(0), x, &levels).unwrap();
        (drawn.into_scalar::<f64>() / levels.last().hypot(1.0) - paper(1.3, steps, from, to)).abs()
    };
    let differences = [40, 80, 160, 320].map(|steps| (steps, difference(steps)));
    let order = sd_exact::order(&differences);
    println!("order {order:.2} ({differences:?})");
    assert!((order - 4.0).abs() < 0.4, "order {order:.2} ({differences:?})");
}
