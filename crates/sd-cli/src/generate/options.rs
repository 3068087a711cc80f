//! Flags of `sd generate` that only some samplers have.

use sd_pipeline::SamplerOption;

/// Options of some samplers; `sd samplers` lists them with their ranges.
#[derive(clap::Args)]
#[command(next_help_heading = "Options of samplers (see `sd samplers`)")]
pub struct Options {
    /// Share of fresh noise per step
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    eta: Option<f64>,
    /// Factor on the fresh noise
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    s_noise: Option<f64>,
    /// Noise added before each step
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    s_churn: Option<f64>,
    /// Lowest noise level that --s-churn applies to
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    s_tmin: Option<f64>,
    /// Highest noise level that --s-churn applies to
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    s_tmax: Option<f64>,
    /// Order of a multistep method
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    order: Option<f64>,
    /// Strength of sa-solver's noise
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    tau: Option<f64>,
    /// Overshoot of a step of tcd
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    gamma: Option<f64>,
    /// Largest error of a part of an adaptive step
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    tolerance: Option<f64>,
}

impl Options {
    /// The options that are given, with their values.
    pub fn given(&self) -> Vec<(SamplerOption, f64)> {
        let value = |option| match option {
            SamplerOption::Eta => self.eta,
            SamplerOption::SNoise => self.s_noise,
            SamplerOption::SChurn => self.s_churn,
            SamplerOption::STmin => self.s_tmin,
            SamplerOption::STmax => self.s_tmax,
            SamplerOption::Order => self.order,
            SamplerOption::Tau => self.tau,
            SamplerOption::Gamma => self.gamma,
            SamplerOption::Tolerance => self.tolerance,
            _ => None,
        };
        SamplerOption::ALL.into_iter().filter_map(|option| Some((option, value(option)?))).collect()
    }
}
