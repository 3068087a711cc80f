//! What a sampler itself costs per image, by step count: the network is a formula.
//!
//! `cargo bench -p sd-benches`. Images are latents of 512×512, `[1, 4, 64, 64]`; the formula is the exact denoiser of
//! Gaussian data, three passes over the latents.

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
    let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).expect("Stable Diffusion's own");
    let schedule = NoiseSchedule::from_betas(&betas).expect("Stable Diffusion's own");
    let setting = SamplerSettings::new(schedule.clone());
    let mut group = criterion.benchmark_group("samplers");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for entry in CATALOGUE {
        let sampler = entry.make(&setting).expect("no options are given");
        for steps in [5, 10, 20, 50, 100] {
            let levels = Grid::Normal.levels(&schedule, steps).expect("fewer than trained");
            let mut noise = entry.fresh.of_seed(0);
            let x = noise.start(&Tensor::zeros([1, 4, 64, 64], &Device::flex())) * levels.first();
            group.bench_function(BenchmarkId::new(entry.name, steps), |bencher| {
                bencher.iter(|| sample(&sampler, &mut denoise, &mut *noise, x.clone(), &levels).expect("a formula"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, samplers);
criterion_main!(benches);
