//! The time that a sampler itself takes per image, by step count. A formula replaces the network.
//!
//! Run `cargo bench -p sd-benches --bench samplers`. Latents are those of 512×512, `[1, 4, 64, 64]`. The formula is the
//! exact denoiser of Gaussian data, which takes three passes over the latents.

use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sd_samplers::{CATALOGUE, DenoiseError, SamplerSettings, sample};
use sd_schedule::{BetaSchedule, Grid, NoiseSchedule};

fn denoise(x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
    let n2 = sigma * sigma;
    Ok((x * 0.25 + 0.4 * n2) / (0.25 + n2))
}

fn samplers(criterion: &mut Criterion) {
    let betas =
        BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).expect("the betas of Stable Diffusion are valid");
    let schedule = NoiseSchedule::from_betas(&betas).expect("the betas of Stable Diffusion are valid");
    let setting = SamplerSettings::new(schedule.clone());
    let mut group = criterion.benchmark_group("samplers");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for entry in CATALOGUE {
        let sampler = entry.make(&setting).expect("the default options are valid");
        for steps in [5, 10, 20, 50, 100] {
            let levels = Grid::Normal.levels(&schedule, steps).expect("fewer steps than trained timesteps");
            let mut noise = entry.fresh.of_seed(0);
            let x = noise.start(&Tensor::zeros([1, 4, 64, 64], &Device::flex())) * levels.first();
            group.bench_function(BenchmarkId::new(entry.name, steps), |bencher| {
                bencher.iter(|| {
                    sample(&sampler, &mut denoise, &mut *noise, x.clone(), &levels).expect("the formula does not fail")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, samplers);
criterion_main!(benches);
