//! Noise levels: AUTOMATIC1111's labels, the names of this library, and those of other programs.

/// The label of the levels that the web UI chooses for a sampler.
pub const AUTOMATIC: &str = "Automatic";

/// This library's name, the web UI's label, and names in its API and in ComfyUI.
#[rustfmt::skip]
const SCHEDULES: &[(&str, &str, &[&str])] = &[
    ("linspace", "Uniform", &[]),
    ("karras", "Karras", &[]),
    ("exponential", "Exponential", &[]),
    ("polyexponential", "Polyexponential", &[]),
    ("sgm_uniform", "SGM Uniform", &["SGMUniform"]),
    ("kl_optimal", "KL Optimal", &[]),
    ("ays", "Align Your Steps", &["align_your_steps"]),
    ("simple", "Simple", &[]),
    ("normal", "Normal", &[]),
    ("leading", "DDIM", &["ddim_uniform"]),
    ("beta", "Beta", &[]),
];

/// Returns the web UI's label of noise levels of this library, or the name itself if the web UI has no such levels: then this
/// library reads it again.
pub fn schedule_label(name: &str) -> &str {
    SCHEDULES.iter().find(|(found, ..)| *found == name).map_or(name, |(_, label, _)| label)
}

/// Returns this library's name of noise levels by their label, or by their name in the web UI's API or in ComfyUI. Capitals do
/// not matter.
pub fn schedule_name(label: &str) -> Option<&'static str> {
    let is = |name: &str| name.eq_ignore_ascii_case(label.trim());
    let found =
        SCHEDULES.iter().find(|(name, own, aliases)| is(name) || is(own) || aliases.iter().any(|name| is(name)));
    found.map(|(name, ..)| *name)
}

/// Splits the noise levels off a sampler's label, as in `DPM++ 2M Karras`.
pub fn schedule_suffix(sampler: &str) -> Option<(&str, &'static str)> {
    let split =
        |(name, label, _): &(&'static str, &str, _)| Some((sampler.strip_suffix(label)?.strip_suffix(' ')?, *name));
    // Of `Uniform` and `SGM Uniform`, the longer.
    SCHEDULES.iter().filter_map(split).min_by_key(|(sampler, _)| sampler.len())
}
