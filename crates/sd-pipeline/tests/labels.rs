//! AUTOMATIC1111's labels are of samplers and schedules that there are.

use sd_metadata::{sampler_label, sampler_name, schedule_label, schedule_name};
use sd_pipeline::{CATALOGUE, SamplerName, Schedule};

const SAMPLERS: [&str; 19] = [
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DPM++ 3M SDE",
    "DPM++ 2S a",
    "Euler a",
    "Euler",
    "LMS",
    "Heun",
    "DPM2",
    "DPM2 a",
    "Restart",
    "DDIM",
    "PLMS",
    "UniPC",
    "LCM",
    "DDPM",
    "IPNDM",
    "DEIS",
];

const SCHEDULES: [&str; 11] = [
    "Uniform",
    "Karras",
    "Exponential",
    "Polyexponential",
    "SGM Uniform",
    "KL Optimal",
    "Align Your Steps",
    "Simple",
    "Normal",
    "DDIM",
    "Beta",
];

#[test]
fn every_label_is_of_a_sampler_or_a_schedule() {
    for label in SAMPLERS {
        assert!(sampler_name(label).unwrap().parse::<SamplerName>().is_ok(), "{label}");
    }
    for label in SCHEDULES {
        assert!(schedule_name(label).unwrap().parse::<Schedule>().is_ok(), "{label}");
    }
}

#[test]
fn every_sampler_and_every_schedule_is_found_by_what_it_is_called() {
    for info in CATALOGUE {
        let label = sampler_label(info.name);
        assert_eq!(sampler_name(label).unwrap_or(label), info.name);
    }
    for (name, _) in Schedule::NAMED {
        let label = schedule_label(name);
        assert_eq!(schedule_name(label).unwrap_or(label), name);
    }
}
