/// Why a schedule or a list of noise levels is invalid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A beta is not a number in `[0, 1)`.
    #[error("beta {value} at timestep {timestep} is outside [0, 1)")]
    Beta {
        /// Index into the table.
        timestep: usize,
        /// The value there.
        value: f64,
    },
    /// A table without entries.
    #[error("a noise schedule needs at least one timestep")]
    Empty,
    /// No steps were requested.
    #[error("0 steps: at least 1 is needed to draw an image")]
    NoSteps,
    /// More steps than the model was trained with.
    #[error("{steps} steps, but the model was trained with {trained}: use at most {trained}")]
    TooManySteps {
        /// Steps requested.
        steps: usize,
        /// Timesteps of the training, or of the distillation for [`Spacing::Lcm`](crate::Spacing::Lcm).
        trained: usize,
    },
    /// A distillation with no timesteps, or with more than the training.
    #[error("{original_steps} original steps of the distillation, but the training allows 1 to {trained}")]
    OriginalSteps {
        /// Timesteps of the distillation.
        original_steps: usize,
        /// Timesteps of the training.
        trained: usize,
    },
    /// A timestep outside the training's table.
    #[error(
        "timestep {timestep} does not exist, the training has 0 to {last}: take fewer steps or a smaller steps offset"
    )]
    Timestep {
        /// The timestep requested.
        timestep: f64,
        /// The last of the training.
        last: usize,
    },
    /// A number of [`Edm`](crate::Edm) that is too small or not finite.
    #[error("{name} is {value}, expected a finite number above {least}")]
    Edm {
        /// The number's name in configs.
        name: &'static str,
        /// The number.
        value: f64,
        /// What it must exceed.
        least: f64,
    },
    /// Noise levels that do not fall.
    #[error("noise levels must fall from step to step, but level {index} is {value} after {before}")]
    NotFalling {
        /// Index of the offending level.
        index: usize,
        /// The level there.
        value: f64,
        /// The level before it.
        before: f64,
    },
    /// A noise level that is negative, infinite or not a number.
    #[error("noise level {index} is {value}: levels are finite and at least 0, the first above 0")]
    Level {
        /// Index of the offending level.
        index: usize,
        /// The level there.
        value: f64,
    },
}
