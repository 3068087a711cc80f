//! Flags of `sd generate` about guidance.

use std::str::FromStr;

use sd_pipeline::{Apg, FreeU, GuidanceOptions, Interval, Request, ScaleSchedule, Threshold};

/// How the predictions for the prompt and the negative prompt are combined.
#[derive(clap::Args)]
#[command(next_help_heading = "Guidance (all of these can be combined; docs/guidance.md compares them)")]
pub struct GuidanceFlags {
    /// Guidance scales step by step, instead of --guidance: 7x5+1x15 is 5 steps of scale 7, then 15 of scale 1
    ///
    /// The last scale holds for all further steps.
    #[arg(long, value_name = "SCHEDULE", conflicts_with = "guidance")]
    guidance_schedule: Option<ScaleSchedule>,
    /// Guide only this part of the steps, from 0 to 1; the other steps follow the prompt alone, at half the work
    #[arg(long, value_name = "FROM,TO")]
    guidance_interval: Option<Numbers<2>>,
    /// Bring the contrast of guided predictions back to the prompt's, from 0 (off) to 1; 0.7 is usual, for v-predictions above all
    #[arg(long, value_name = "F", default_value_t = 0.0, allow_hyphen_values = true)]
    guidance_rescale: f64,
    /// CFG++: guide the denoised image, but not the noise that is added back; --guidance is then from 0 to 1 [default: 0.6]
    ///
    /// Exact for ddim and euler; other samplers use the same scales.
    #[arg(long)]
    cfg_plus_plus: bool,
    /// Adaptive projected guidance: less saturation at high scales [default values: 0,7.5,-0.5]
    ///
    /// ETA is the share of the part that is parallel to the prediction, NORM caps the length of a change of 64×64 latents (0: no cap),
    /// and MOMENTUM is the share of earlier changes.
    #[arg(
        long,
        value_name = "ETA,NORM,MOMENTUM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0,7.5,-0.5"
    )]
    apg: Option<Numbers<3>>,
    /// Perturbed-attention guidance: away from what the network draws without attention; 3 is usual; one more row per call
    ///
    /// Works without guidance too (--guidance 1).
    #[arg(long, value_name = "SCALE", default_value_t = 0.0, allow_hyphen_values = true)]
    pag: f64,
    /// Self-attention guidance: away from what the network draws where its attention is blurred; 0.75 is usual; one more row per call
    #[arg(long, value_name = "SCALE", default_value_t = 0.0, allow_hyphen_values = true)]
    sag: f64,
    /// FreeU: factors on the features of the U-Net's first two levels on the way up (B), and on its skip connections (S)
    ///
    /// For 1.x 1.5,1.6,0.9,0.2; for 2.x 1.4,1.6,0.9,0.2; for XL 1.3,1.4,0.9,0.2.
    #[arg(long, value_name = "B1,B2,S1,S2", allow_hyphen_values = true)]
    freeu: Option<Numbers<4>>,
    /// Dynamic thresholding: clip guided values to this quantile (0 to 1) and scale them to what guidance of MIMIC would give [default
    /// MIMIC: 7, with --cfg-plus-plus 0.6]
    #[arg(long, value_name = "QUANTILE[,MIMIC]")]
    dynamic_threshold: Option<Quantile>,
    /// Let only the part of the negative prompt count that says something else than the prompt; the weight is usually 1; one more row per
    /// call
    #[arg(long, value_name = "WEIGHT", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    perp_neg: Option<f64>,
}

/// Numbers, separated by commas.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Numbers<const N: usize>([f64; N]);

impl<const N: usize> FromStr for Numbers<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
        let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers.map(Self).ok_or_else(|| format!("expected {N} numbers, separated by commas"))
    }
}

/// A quantile, and the scale to mimic, if it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quantile(f64, Option<f64>);

impl FromStr for Quantile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let quantile = match text.split_once(',') {
            Some((percentile, mimic)) => number(percentile).zip(number(mimic)).map(|(p, mimic)| Self(p, Some(mimic))),
            None => number(text).map(|percentile| Self(percentile, None)),
        };
        quantile.ok_or_else(|| "expected a number from 0 to 1, such as 0.995, or two, such as 0.995,7".into())
    }
}

impl GuidanceFlags {
    /// Adds the flags to a request.
    pub fn add_to(&self, request: &mut Request) {
        let Numbers([from, to]) = self.guidance_interval.unwrap_or(Numbers([0.0, 1.0]));
        request.guidance_options = GuidanceOptions {
            schedule: self.guidance_schedule.clone(),
            interval: Interval { from, to },
            plus_plus: self.cfg_plus_plus,
            rescale: self.guidance_rescale,
            apg: self.apg.map(|Numbers([eta, norm, momentum])| Apg {
                eta,
                norm: (norm != 0.0).then_some(norm),
                momentum,
            }),
            pag: self.pag,
            sag: self.sag,
            threshold: self.dynamic_threshold.map(|Quantile(percentile, mimic)| Threshold {
                percentile,
                mimic: mimic.unwrap_or(if self.cfg_plus_plus { 0.6 } else { 7.0 }),
            }),
            perpendicular: self.perp_neg,
        };
        request.freeu = self.freeu.map(|Numbers([b1, b2, s1, s2])| FreeU { b1, b2, s1, s2 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_many_as_are_wanted() {
        assert_eq!("0.2, 0.8".parse(), Ok(Numbers([0.2, 0.8])));
        for wrong in ["", "1", "1,2,3", "1,x", "1,,2"] {
            assert!(wrong.parse::<Numbers<2>>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quantile_may_have_a_scale_to_mimic() {
        let parse = |text: &str| text.parse::<Quantile>();
        assert_eq!(parse("0.995"), Ok(Quantile(0.995, None)));
        assert_eq!(parse("1,5"), Ok(Quantile(1.0, Some(5.0))));
        assert!(parse("high").is_err() && parse("1,").is_err());
    }
}
