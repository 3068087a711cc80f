//! Every sampler by name, as listed by `sd samplers` and covered by the truth tests and the report.

mod convention;
mod info;
mod options;

use FreshNoise::{Never, Path, Steps};
use SamplerOption::{Eta, Gamma, Order, SChurn, SNoise, STmax, STmin, Tau, Tolerance};
use sd_schedule::Prediction;

pub use self::convention::{Convention, LevelOptions, Levels};
pub use self::info::{FreshNoise, SamplerInfo};
use self::options::Values;
pub use self::options::{OptionError, OptionRange, SamplerOption, SamplerSettings};
use crate::*;

const ETA_0: OptionRange = OptionRange::new(Eta, 0.0, 0.0, 1.0);
const ETA_1: OptionRange = OptionRange::new(Eta, 1.0, 0.0, 1.0);
const S_NOISE: OptionRange = OptionRange::new(SNoise, 1.0, 0.0, 2.0);
const FRESH: &[OptionRange] = &[ETA_1, S_NOISE];
const CHURN: &[OptionRange] = &[
    OptionRange::new(SChurn, 0.0, 0.0, 1000.0),
    OptionRange::new(STmin, 0.0, 0.0, f64::INFINITY),
    OptionRange::new(STmax, f64::INFINITY, 0.0, f64::INFINITY),
    S_NOISE,
];
const ORDER_2: &[OptionRange] = &[OptionRange::new(Order, 2.0, 1.0, 3.0)];
const ORDER_4: &[OptionRange] = &[OptionRange::new(Order, 4.0, 1.0, 4.0)];

fn churn(values: &Values) -> Churn {
    Churn {
        s_churn: values.get(SChurn),
        s_tmin: values.get(STmin),
        s_tmax: values.get(STmax),
        s_noise: values.get(SNoise),
    }
}

/// All samplers, by family. A new one is one file and one entry here.
#[rustfmt::skip]
pub static CATALOGUE: &[SamplerInfo] = &[
    SamplerInfo { name: "ddpm", order: Some(1), calls: 1, fresh: Steps, convention: Convention::Ddpm,
        source: "Ho et al. 2020, algorithm 2", options: &[],
        make: |s, _| Box::new(Ddpm::new(s.variance).with_clip(s.clip)) },
    SamplerInfo { name: "ddpm-hat-sigma", order: Some(1), calls: 1, fresh: Steps, convention: Convention::Ddpm,
        source: "Song et al. 2021, section 5", options: &[],
        make: |s, _| Box::new(Ddpm::new(Variance::FixedLarge).with_clip(s.clip)) },
    SamplerInfo { name: "ddim", order: Some(1), calls: 1, fresh: Never, convention: Convention::Ddim,
        source: "Song et al. 2021, equation 12", options: &[ETA_0],
        make: |s, o| Box::new(Ddim::new(o.get(Eta)).with_clip(s.clip)) },
    SamplerInfo { name: "plms", order: Some(2), calls: 1, fresh: Never, convention: Convention::Pndm,
        source: "CompVis, after Liu et al. 2022", options: &[],
        make: |s, _| Box::new(Plms::new(s.blended)) },
    SamplerInfo { name: "pndm", order: Some(2), calls: 1, fresh: Never, convention: Convention::Pndm,
        source: "diffusers, after Liu et al. 2022", options: &[],
        make: |s, _| Box::new(Pndm::new(s.process.clone(), s.blended)) },
    SamplerInfo { name: "s-pndm", order: Some(2), calls: 1, fresh: Never, convention: Convention::Pndm,
        source: "Liu et al. 2022, S-PNDM", options: &[],
        make: |_, _| Box::new(Spndm) },
    SamplerInfo { name: "f-pndm", order: Some(2), calls: 1, fresh: Never, convention: Convention::Pndm,
        source: "Liu et al. 2022, F-PNDM", options: &[],
        make: |s, _| Box::new(Pndm::new(s.process.clone(), Prediction::Eps)) },
    SamplerInfo { name: "fon", order: Some(4), calls: 1, fresh: Never, convention: Convention::Pndm,
        source: "Liu et al. 2022, FON", options: &[],
        make: |_, _| Box::new(Fon) },
    SamplerInfo { name: "pf", order: Some(5), calls: 7, fresh: Never, convention: Convention::KDiffusion,
        source: "Song et al. 2021b, section 4.3", options: &[OptionRange::new(Tolerance, 1e-3, 1e-9, 1.0)],
        make: |_, o| Box::new(Pf::new(o.get(Tolerance))) },
    SamplerInfo { name: "ipndm", order: Some(2), calls: 1, fresh: Never, convention: Convention::KDiffusion,
        source: "Zhang & Chen 2022, iPNDM", options: ORDER_4,
        make: |_, o| Box::new(Ipndm::new(o.get(Order) as usize)) },
    SamplerInfo { name: "euler", order: Some(1), calls: 1, fresh: Never, convention: Convention::KDiffusion,
        source: "Karras et al. 2022, algorithm 2", options: CHURN,
        make: |_, o| Box::new(Euler::new(churn(o))) },
    SamplerInfo { name: "euler-a", order: Some(1), calls: 1, fresh: Steps, convention: Convention::KDiffusion,
        source: "k-diffusion", options: FRESH,
        make: |_, o| Box::new(EulerAncestral::new(o.get(Eta), o.get(SNoise))) },
    SamplerInfo { name: "heun", order: Some(2), calls: 2, fresh: Never, convention: Convention::KDiffusion,
        source: "Karras et al. 2022, algorithm 2", options: CHURN,
        make: |_, o| Box::new(Heun::new(churn(o))) },
    SamplerInfo { name: "dpm2", order: Some(2), calls: 2, fresh: Never, convention: Convention::KDiffusion,
        source: "k-diffusion, after Lu et al. 2022a", options: CHURN,
        make: |_, o| Box::new(Dpm2::new(churn(o))) },
    SamplerInfo { name: "dpm2-a", order: Some(2), calls: 2, fresh: Steps, convention: Convention::KDiffusion,
        source: "k-diffusion", options: FRESH,
        make: |_, o| Box::new(Dpm2Ancestral::new(o.get(Eta), o.get(SNoise))) },
    SamplerInfo { name: "lms", order: Some(2), calls: 1, fresh: Never, convention: Convention::KDiffusion,
        source: "k-diffusion", options: ORDER_4,
        make: |_, o| Box::new(Lms::new(o.get(Order) as usize)) },
    SamplerInfo { name: "dpm++2m", order: Some(2), calls: 1, fresh: Never, convention: Convention::DpmSolver,
        source: "Lu et al. 2022b, algorithm 2", options: &[],
        make: |_, _| Box::new(Dpmpp2m) },
    SamplerInfo { name: "dpm++2s-a", order: Some(2), calls: 2, fresh: Steps, convention: Convention::KDiffusion,
        source: "k-diffusion, after Lu et al. 2022b", options: FRESH,
        make: |_, o| Box::new(Dpmpp2sAncestral::new(o.get(Eta), o.get(SNoise))) },
    SamplerInfo { name: "dpm++sde", order: Some(2), calls: 2, fresh: Path, convention: Convention::KDiffusion,
        source: "k-diffusion, after Lu et al. 2022b", options: FRESH,
        make: |_, o| Box::new(DpmppSde::new(o.get(Eta), o.get(SNoise))) },
    SamplerInfo { name: "dpm++2m-sde", order: Some(2), calls: 1, fresh: Path, convention: Convention::DpmSolver,
        source: "k-diffusion, after Lu et al. 2022b", options: FRESH,
        make: |_, o| Box::new(Dpmpp2mSde::new(o.get(Eta), o.get(SNoise))) },
    SamplerInfo { name: "dpm++3m-sde", order: Some(2), calls: 1, fresh: Path, convention: Convention::DpmSolver,
        source: "k-diffusion, after Lu et al. 2022b", options: FRESH,
        make: |_, o| Box::new(Dpmpp3mSde::new(o.get(Eta), o.get(SNoise))) },
    SamplerInfo { name: "unipc", order: Some(2), calls: 1, fresh: Never, convention: Convention::DpmSolver,
        source: "Zhao et al. 2023, with B2", options: ORDER_2,
        make: |_, o| Box::new(UniPc::new(o.get(Order) as usize, BFunction::Bh2)) },
    SamplerInfo { name: "unipc-bh1", order: Some(2), calls: 1, fresh: Never, convention: Convention::DpmSolver,
        source: "Zhao et al. 2023, with B1", options: ORDER_2,
        make: |_, o| Box::new(UniPc::new(o.get(Order) as usize, BFunction::Bh1)) },
    SamplerInfo { name: "deis", order: Some(2), calls: 1, fresh: Never, convention: Convention::Deis,
        source: "Zhang & Chen 2022, AB-DEIS", options: ORDER_2,
        make: |_, o| Box::new(Deis::new(o.get(Order) as usize)) },
    SamplerInfo { name: "sa-solver", order: Some(2), calls: 1, fresh: Steps, convention: Convention::Deis,
        source: "Xue et al. 2023", options: &[OptionRange::new(Tau, 1.0, 0.0, 2.0)],
        make: |s, o| Box::new(SaSolver::new(o.get(Tau), s.levels_between(200, 800))) },
    SamplerInfo { name: "restart", order: None, calls: 2, fresh: Steps, convention: Convention::KDiffusion,
        source: "Xu et al. 2023", options: &[],
        make: |_, _| Box::new(Restart::default()) },
    SamplerInfo { name: "lcm", order: None, calls: 1, fresh: Steps, convention: Convention::Lcm,
        source: "Luo et al. 2023", options: &[],
        make: |_, _| Box::new(Lcm) },
    SamplerInfo { name: "tcd", order: None, calls: 1, fresh: Steps, convention: Convention::Tcd,
        source: "Zheng et al. 2024, algorithm 4", options: &[OptionRange::new(Gamma, 0.3, 0.0, 1.0)],
        make: |s, o| Box::new(Tcd::new(s.process.clone(), o.get(Gamma))) },
];
