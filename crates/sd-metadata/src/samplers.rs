//! Samplers: AUTOMATIC1111's labels, the names of this library, and those of other programs.

use crate::schedules::{AUTOMATIC, schedule_name, schedule_suffix};

/// A sampler of the web UI.
struct Sampler {
    /// The name of this library.
    name: &'static str,
    /// The web UI's label.
    label: &'static str,
    /// Names in the web UI's API, in ComfyUI and in InvokeAI.
    aliases: &'static [&'static str],
    /// The noise levels that the web UI chooses when it is to choose, if they are not the sampler's usual ones.
    automatic: Option<&'static str>,
}

const fn sampler(name: &'static str, label: &'static str, aliases: &'static [&'static str]) -> Sampler {
    Sampler { name, label, aliases, automatic: None }
}

impl Sampler {
    const fn with(mut self, automatic: &'static str) -> Self {
        self.automatic = Some(automatic);
        self
    }
}

#[rustfmt::skip]
const SAMPLERS: &[Sampler] = &[
    sampler("dpm++2m", "DPM++ 2M", &["k_dpmpp_2m", "dpmpp_2m"]).with("karras"),
    sampler("dpm++sde", "DPM++ SDE", &["k_dpmpp_sde", "dpmpp_sde", "dpmpp_sde_gpu"]).with("karras"),
    sampler("dpm++2m-sde", "DPM++ 2M SDE", &["k_dpmpp_2m_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"]).with("exponential"),
    sampler("dpm++3m-sde", "DPM++ 3M SDE", &["k_dpmpp_3m_sde", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu"]).with("exponential"),
    sampler("dpm++2s-a", "DPM++ 2S a", &["k_dpmpp_2s_a", "dpmpp_2s_ancestral"]).with("karras"),
    sampler("euler-a", "Euler a", &["k_euler_a", "k_euler_ancestral", "euler_a", "euler_ancestral", "euler-ancestral"]),
    sampler("euler", "Euler", &["k_euler"]),
    sampler("lms", "LMS", &["k_lms"]),
    sampler("heun", "Heun", &["k_heun"]),
    sampler("dpm2", "DPM2", &["k_dpm_2", "dpm_2"]).with("karras"),
    sampler("dpm2-a", "DPM2 a", &["k_dpm_2_a", "k_dpm_2_ancestral", "dpm_2_ancestral"]).with("karras"),
    sampler("restart", "Restart", &[]).with("karras"),
    sampler("ddim", "DDIM", &[]),
    sampler("plms", "PLMS", &[]),
    sampler("unipc", "UniPC", &["uni_pc_bh2"]),
    sampler("lcm", "LCM", &["k_lcm"]),
    sampler("ddpm", "DDPM", &[]),
    sampler("ipndm", "IPNDM", &[]),
    sampler("deis", "DEIS", &[]),
    // Not in the web UI, so that the names stay.
    sampler("unipc-bh1", "unipc-bh1", &["uni_pc"]),
];

/// Returns the web UI's label of a sampler of this library, or the name itself if the web UI has no such sampler: then this
/// library reads it again.
pub fn sampler_label(name: &str) -> &str {
    SAMPLERS.iter().find(|sampler| sampler.name == name).map_or(name, |sampler| sampler.label)
}

/// Returns this library's name of a sampler by its label, or by its name in the web UI's API or in ComfyUI. Capitals do not
/// matter.
pub fn sampler_name(label: &str) -> Option<&'static str> {
    find(label).map(|sampler| sampler.name)
}

/// Returns this library's names for what a text calls `Sampler` and `Schedule type`.
///
/// Older texts have both in one, as in `DPM++ 2M Karras`. `Automatic` is what the web UI takes with that sampler. Without a
/// schedule, none is returned where the sampler's own noise levels are meant. Unknown names are returned as they are.
pub fn sampling(sampler: &str, schedule: Option<&str>) -> (String, Option<String>) {
    let (label, suffix) = match find(sampler) {
        Some(_) => (sampler, None),
        None => schedule_suffix(sampler).map_or((sampler, None), |(label, schedule)| (label, Some(schedule))),
    };
    let found = find(label);
    let schedule = match (suffix, schedule) {
        (Some(schedule), _) => Some(schedule.to_string()),
        (None, Some(AUTOMATIC)) => found.and_then(|sampler| sampler.automatic).map(str::to_string),
        (None, schedule) => schedule.map(|label| schedule_name(label).unwrap_or(label).to_string()),
    };
    (found.map_or(label, |sampler| sampler.name).to_string(), schedule)
}

/// Whether the web UI's `Automatic`, which is also meant where a text names no `Schedule type`, takes other noise levels than the
/// usual ones of this sampler.
pub fn has_automatic_schedule(sampler: &str) -> bool {
    find(sampler).is_some_and(|sampler| sampler.automatic.is_some())
}

fn find(label: &str) -> Option<&'static Sampler> {
    let is = |name: &str| name.eq_ignore_ascii_case(label.trim());
    SAMPLERS.iter().find(|sampler| is(sampler.label) || is(sampler.name) || sampler.aliases.iter().any(|name| is(name)))
}
