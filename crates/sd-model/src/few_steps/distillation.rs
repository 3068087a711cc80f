use std::fmt;

use super::words::Words;

/// How a network was distilled, as far as it decides how to draw with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distillation {
    /// Latent consistency (Luo et al. 2023).
    Lcm,
    /// SD-Turbo and SDXL-Turbo (Sauer et al. 2023, adversarial diffusion distillation).
    Turbo,
    /// A model that was mixed with SDXL-Turbo, which wants a few steps and a little guidance.
    TurboMerge,
    /// SDXL-Lightning (Lin et al. 2024).
    Lightning,
    /// Hyper-SD (Ren et al. 2024).
    Hyper,
    /// The variants of Hyper-SD that keep guidance.
    HyperGuided,
    /// Trajectory consistency (Zheng et al. 2024).
    Tcd,
    /// Distribution matching (Yin et al. 2024, DMD2).
    Dmd2,
    /// Phased consistency (Wang et al. 2024).
    Pcm,
    /// The variants of PCM that were distilled for the usual guidance.
    PcmGuided,
    /// SDXS (Song et al. 2024): one step, with a small U-Net.
    Sdxs,
}

impl Distillation {
    /// Recognises the name of a model.
    pub(super) fn of_model(words: &Words) -> Option<Self> {
        let turbo = || if words.begins_with(&SD) && !words.has("merge") { Self::Turbo } else { Self::TurboMerge };
        Self::of_any(words)
            .or_else(|| words.after("hyper").is_some_and(<[String]>::is_empty).then_some(Self::Hyper))
            .or_else(|| words.has("lightning").then_some(Self::Lightning))
            .or_else(|| words.has("turbo").then(turbo))
    }

    /// Recognises the name of a LoRA, whose words may as well say what it shows: lightning, or a car with a turbo.
    pub(super) fn of_lora(words: &Words) -> Option<Self> {
        let is_of_sd = SD.iter().any(|sd| words.has(sd)) || words.steps().is_some();
        let (lightning, turbo) = (words.has("lightning") && is_of_sd, words.has("turbo") && words.begins_with(&SD));
        Self::of_any(words).or_else(|| lightning.then_some(Self::Lightning)).or_else(|| turbo.then_some(Self::Turbo))
    }

    /// Recognises names that mean nothing else.
    fn of_any(words: &Words) -> Option<Self> {
        let follows_hyper = |word: &String| SD.contains(&word.as_str()) || word.parse::<usize>().is_ok();
        let is_hyper = words.after("hyper").and_then(<[String]>::first).is_some_and(follows_hyper)
            || ["hypersd", "hypersdxl"].iter().any(|word| words.has(word));
        match () {
            () if words.has("dmd") => Some(Self::Dmd2),
            () if is_hyper && words.has("cfg") => Some(Self::HyperGuided),
            () if is_hyper => Some(Self::Hyper),
            () if words.has("tcd") => Some(Self::Tcd),
            () if words.has("pcm") && words.has("lcmlike") => Some(Self::Lcm),
            () if words.has("pcm") && words.has("normalcfg") => Some(Self::PcmGuided),
            () if words.has("pcm") => Some(Self::Pcm),
            () if words.has("lcm") || words.has_row(&["latent", "consistency"]) => Some(Self::Lcm),
            () if words.has("sdxs") => Some(Self::Sdxs),
            () => None,
        }
    }
}

/// What the names of Stable Diffusion begin with.
const SD: [&str; 3] = ["sd", "sdxl", "xl"];

impl fmt::Display for Distillation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lcm => "LCM",
            Self::Turbo => "Turbo",
            Self::TurboMerge => "mixed with Turbo",
            Self::Lightning => "Lightning",
            Self::Hyper => "Hyper-SD",
            Self::HyperGuided => "Hyper-SD with guidance",
            Self::Tcd => "TCD",
            Self::Dmd2 => "DMD2",
            Self::Pcm => "PCM",
            Self::PcmGuided => "PCM with guidance",
            Self::Sdxs => "SDXS",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Distillation::{Dmd2, Hyper, HyperGuided, Lcm, Lightning, Pcm, PcmGuided, Sdxs, Tcd, Turbo, TurboMerge};
    use super::*;

    /// Names of published models and LoRAs.
    #[test]
    fn published_models_are_recognised_by_name() {
        for (name, expected) in [
            ("LCM_Dreamshaper_v7", Some(Lcm)),
            ("photonLCM_v10", Some(Lcm)),
            ("sd-turbo", Some(Turbo)),
            ("sd_turbo", Some(Turbo)),
            ("sdxl-turbo", Some(Turbo)),
            ("sd_xl_turbo_1.0_fp16", Some(Turbo)),
            ("DreamShaperXL_Turbo_v2_1", Some(TurboMerge)),
            ("turbovisionxlSuperFastXLBasedOnNew_tvxlV431Bakedvae", None),
            ("sdxl_lightning_4step", Some(Lightning)),
            ("sdxl_lightning_1step_x0", Some(Lightning)),
            ("realvisxlV50_v50LightningBakedvae", Some(Lightning)),
            ("Hyper-SDXL-1step-Unet-Comfyui.fp16", Some(Hyper)),
            ("realvisxl_hyper", Some(Hyper)),
            ("hyperRealism_v3", None),
            ("hyper-realistic-photo", None),
            ("dmd2_sdxl_4step_unet_fp16", Some(Dmd2)),
            ("sdxs-512-0.9", Some(Sdxs)),
            ("bk-sdm-small", None),
            ("stable-diffusion-v1-5", None),
        ] {
            assert_eq!(Distillation::of_model(&Words::of(name)), expected, "{name}");
        }
    }

    #[test]
    fn loras_are_recognised_by_name_but_not_by_what_they_show() {
        for (name, expected) in [
            ("lcm-lora-sdv1-5", Some(Lcm)),
            ("LCM_LoRA_Weights_SD15", Some(Lcm)),
            ("sdxl_lightning_8step_lora", Some(Lightning)),
            ("Hyper-SD15-1step-lora", Some(Hyper)),
            ("Hyper-SDXL-8steps-CFG-lora", Some(HyperGuided)),
            ("TCD-SDXL-LoRA", Some(Tcd)),
            ("dmd2_sdxl_4step_lora", Some(Dmd2)),
            ("pcm_sd15_smallcfg_2step_converted", Some(Pcm)),
            ("pcm_sdxl_normalcfg_8step_converted", Some(PcmGuided)),
            ("pcm_sd15_lcmlike_lora_converted", Some(Lcm)),
            ("sd_xl_turbo_lora_v1", Some(Turbo)),
            ("lightning_effects", None),
            ("turbo_car", None),
            ("hyper_detail", None),
        ] {
            assert_eq!(Distillation::of_lora(&Words::of(name)), expected, "{name}");
        }
    }
}
