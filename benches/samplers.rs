//! What a sampler itself costs per picture, by step count: the network is a formula.
//!
//! `cargo bench -p sd-benches`. Pictures are latents of 512×512, `[1, 4, 64, 64]`; the formula is the exact denoiser of
//! Gaussian data, three passes over the latents.

use burn::tensor::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sd_samplers::{Ddim, Ddpm, Noise, Plms, Pndm, Sampler, Stop, TorchNoise, Variance, sample};
use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule, Prediction, Spacing};

fn denoise(x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, Stop> {
    let n2 = sigma * sigma;
    Ok((x * 0.25 + 0.4 * n2) / (0.25 + n2))
}

/// A fresh sampler for every picture.
type Make<'a> = &'a dyn Fn() -> Box<dyn Sampler>;

fn samplers(criterion: &mut Criterion) {
    let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).expect("Stable Diffusion's own");
    let schedule = NoiseSchedule::from_betas(&betas).expect("Stable Diffusion's own");
    let make: [(&str, Make); 4] = [
        ("ddpm", &|| Box::new(Ddpm::new(Variance::FixedSmall))),
        ("ddim", &|| Box::new(Ddim::new(0.0))),
        ("plms", &|| Box::new(Plms::new(Prediction::Eps))),
        ("pndm", &|| Box::new(Pndm::new(schedule.clone(), Prediction::Eps))),
    ];
    let mut group = criterion.benchmark_group("samplers");
    group.sample_size(20);
    for (name, make) in make {
        for steps in [5, 10, 20, 50, 100] {
            let timesteps = Spacing::Leading { offset: 1 }.timesteps(steps, 1000).expect("fewer than trained");
            let levels = NoiseLevels::of_timesteps(&schedule, &timesteps, schedule.sigma_min()).expect("they fall");
            let mut noise = TorchNoise::new(0);
            let x = noise.draw(&Tensor::zeros([1, 4, 64, 64], &Device::flex())) * levels.first();
            group.bench_function(BenchmarkId::new(name, steps), |bencher| {
                bencher.iter(|| sample(make(), &mut denoise, &mut noise, x.clone(), &levels).expect("it cannot fail"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, samplers);
criterion_main!(benches);
