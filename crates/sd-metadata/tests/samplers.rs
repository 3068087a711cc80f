//! Names of samplers and noise levels.

use sd_metadata::{sampler_label, sampler_name, sampling, schedule_label, schedule_name};

fn read(sampler: &str, schedule: Option<&str>) -> (String, String) {
    let (sampler, schedule) = sampling(sampler, schedule);
    (sampler, schedule.unwrap_or_default())
}

fn both(sampler: &str, schedule: &str) -> (String, String) {
    (sampler.into(), schedule.into())
}

#[test]
fn labels_lead_back_to_names() {
    for label in [
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
    ] {
        assert_eq!(sampler_label(sampler_name(label).unwrap()), label);
    }
    for label in [
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
    ] {
        assert_eq!(schedule_label(schedule_name(label).unwrap()), label);
    }
}

#[test]
fn what_the_web_ui_does_not_have_keeps_its_name() {
    assert_eq!(sampler_label("sa-solver"), "sa-solver");
    assert_eq!(schedule_label("karras:5"), "karras:5");
    assert_eq!(read("sa-solver", Some("karras:5")), both("sa-solver", "karras:5"));
}

#[test]
fn older_labels_name_the_noise_levels_too() {
    assert_eq!(read("DPM++ 2M Karras", None), both("dpm++2m", "karras"));
    assert_eq!(read("DPM++ 2M SDE Exponential", None), both("dpm++2m-sde", "exponential"));
    assert_eq!(read("Euler SGM Uniform", Some("Automatic")), both("euler", "sgm_uniform"));
    assert_eq!(read("Euler a", None), both("euler-a", ""));
}

#[test]
fn automatic_is_what_the_web_ui_takes_with_the_sampler() {
    assert_eq!(read("DPM++ 2M", Some("Automatic")), both("dpm++2m", "karras"));
    assert_eq!(read("DPM++ 3M SDE", Some("Automatic")), both("dpm++3m-sde", "exponential"));
    assert_eq!(read("Euler", Some("Automatic")), both("euler", ""));
}

#[test]
fn names_of_other_programs_are_read() {
    assert_eq!(read("k_dpmpp_2m", Some("karras")), both("dpm++2m", "karras"));
    assert_eq!(read("dpmpp_2m_sde_gpu", Some("sgm_uniform")), both("dpm++2m-sde", "sgm_uniform"));
    assert_eq!(read("euler_ancestral", Some("ddim_uniform")), both("euler-a", "leading"));
    // ComfyUI's UniPC is the first variant, unless it is told otherwise.
    assert_eq!(read("uni_pc", Some("normal")), both("unipc-bh1", "normal"));
    assert_eq!(read("uni_pc_bh2", Some("normal")), both("unipc", "normal"));
}

#[test]
fn an_unknown_sampler_keeps_its_label() {
    assert_eq!(sampler_name("DPM adaptive"), None);
    assert_eq!(read("DPM adaptive", Some("Karras")), both("DPM adaptive", "karras"));
}
