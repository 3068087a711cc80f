//! Sampling from pure noise, far above the level at which an image begins to show.

use burn::tensor::Device;
use sd_exact::{Affine, Gaussian};
use sd_samplers::{CATALOGUE, SamplerSettings};
use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule, Spacing};

use crate::rows::assert_none;

/// Schedules whose first level is beyond 1000: the cosine one, and Stable Diffusion's with zero terminal SNR.
fn schedules() -> [(&'static str, NoiseSchedule); 2] {
    let schedule = |betas: BetaSchedule| {
        NoiseSchedule::from_betas(&betas.betas(1000, 0.00085, 0.012).expect("a schedule")).expect("a schedule")
    };
    [
        ("cosine", schedule(BetaSchedule::SquaredCosCapV2)),
        ("zero terminal SNR", schedule(BetaSchedule::ScaledLinear).with_zero_terminal_snr()),
    ]
}

/// Regression test: two slopes were once averaged over the first step, from level 20 000 to 15. The mean was right, but the
/// standard deviation 20 times too large.
#[test]
fn every_sampler_draws_the_data_from_pure_noise() {
    let (data, mut failures) = (Gaussian { mean: vec![0.4], std: vec![0.5] }, Vec::new());
    for (title, schedule) in schedules() {
        let timesteps = Spacing::Trailing.timesteps(25, 1000).expect("25 of 1000");
        let levels = NoiseLevels::of_timesteps(&schedule, &timesteps, 0.0).expect("they fall");
        assert!(levels.first() > 1000.0);
        let noise = Gaussian { mean: vec![0.0], std: vec![levels.first()] };
        for info in CATALOGUE {
            let (name, sampler) =
                (info.name, info.make(&SamplerSettings::new(schedule.clone())).expect("its defaults"));
            let drawn = Affine::new(&sampler, &data, &levels, info.fresh, &Device::flex()).apply(&noise);
            let line = format!("{name}, {title}: mean {:.3}, std {:.3}", drawn.mean[0], drawn.std[0]);
            println!("{line}");
            // lcm and tcd omit part of the variance by design.
            if (drawn.mean[0] - 0.4).abs() > 0.02 || drawn.std[0] > 0.65 {
                failures.push(line);
            }
        }
    }
    assert_none(failures);
}
