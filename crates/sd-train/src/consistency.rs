use burn::config::Config;
use burn::tensor::Tensor;
use sd_schedule::NoiseSchedule;

use crate::objective::{mean_of_each, per_image};

/// How a student of consistency distillation jumps along the walk of its teacher.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct ConsistencyConfig {
    /// Timesteps that each step of the teacher skips, `k`; divides the number of timesteps.
    #[config(default = 20)]
    pub skip: usize,
    /// Jumps from pure noise to the clean image; divides the number of the teacher's steps. With 1, every jump leads to the clean
    /// image (Luo et al. 2023); with more, to the end of its phase (Heek et al. 2024; Wang et al. 2024).
    #[config(default = 1)]
    pub phases: usize,
    /// The difference of two values from which on it counts by its size rather than its square: `c` of the pseudo-Huber loss.
    #[config(default = 1e-3)]
    pub huber_c: f64,
}

/// The walk of a teacher by DDIM, and where on it the jumps of a student end.
///
/// Levels are counted from the clean image, 0, to pure noise. A student predicts clean images, as a diffusion model does; its jump
/// from one level to another is a step of DDIM with that image.
#[derive(Debug, Clone, PartialEq)]
pub struct Consistency {
    levels: Vec<Level>,
    /// Levels in a phase.
    phase: usize,
    huber_c: f64,
}

/// A level of noise: `x = signal·x0 + noise·eps`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    t: usize,
    signal: f64,
    noise: f64,
}

impl Consistency {
    /// Lays the levels evenly in the timesteps of a schedule; the noisiest is its last.
    ///
    /// # Panics
    ///
    /// Panics if `skip` does not divide the number of timesteps, or `phases` that of the steps.
    pub fn new(schedule: &NoiseSchedule, config: ConsistencyConfig) -> Self {
        let ConsistencyConfig { skip, phases, huber_c } = config;
        let timesteps = schedule.len();
        assert!(skip > 0 && timesteps.is_multiple_of(skip), "{timesteps} timesteps do not divide into steps of {skip}");
        let steps = timesteps / skip;
        assert!(phases > 0 && steps.is_multiple_of(phases), "{steps} steps do not divide into {phases} phases");
        let noisy = (1..=steps).map(|n| n * skip - 1).map(|t| {
            let alpha_bar = schedule.alpha_bar(t);
            Level { t, signal: alpha_bar.sqrt(), noise: (1.0 - alpha_bar).sqrt() }
        });
        let levels = [Level { t: 0, signal: 1.0, noise: 0.0 }].into_iter().chain(noisy).collect();
        Self { levels, phase: steps / phases, huber_c }
    }

    /// Steps of the teacher, and the number of the noisiest level.
    pub fn steps(&self) -> usize {
        self.levels.len() - 1
    }

    /// The timestep of a level; that of the clean image is 0.
    pub fn t(&self, level: usize) -> usize {
        self.levels[level].t
    }

    /// The level where jumps from a level end: the last of its phase.
    pub fn end(&self, level: usize) -> usize {
        level.saturating_sub(1) / self.phase * self.phase
    }

    /// Steps by DDIM between the levels of each image, towards its clean image (Song et al. 2021, equation 12).
    ///
    /// # Shapes
    ///
    /// - x, x0 and output: `[batch, channels, height, width]`
    /// - from, to: `batch` levels
    pub fn jump(&self, x: Tensor<4>, x0: Tensor<4>, from: &[usize], to: &[usize]) -> Tensor<4> {
        let [of_x, of_x0] = self.coefficients(&x, from, to);
        x * of_x + x0 * of_x0
    }

    /// The clean images that a student should predict for noisy ones: those whose jump ends where a step of the teacher and then
    /// the jump of another student would (Luo et al. 2023, algorithm 1; Heek et al. 2024, algorithm 1).
    ///
    /// `teacher` and `student` predict clean images at levels of noise. At the last level of a phase, what the student predicts
    /// does not count: the teacher's step ends there.
    ///
    /// # Shapes
    ///
    /// - x and output: `[batch, channels, height, width]`
    /// - from: `batch` levels, of at least 1
    pub fn goal(
        &self,
        x: Tensor<4>,
        from: &[usize],
        teacher: impl FnOnce(Tensor<4>, &[usize]) -> Tensor<4>,
        student: impl FnOnce(Tensor<4>, &[usize]) -> Tensor<4>,
    ) -> Tensor<4> {
        let next: Vec<usize> = from.iter().map(|level| level - 1).collect();
        let ends: Vec<usize> = from.iter().map(|level| self.end(*level)).collect();
        let reached = self.jump(x.clone(), teacher(x.clone(), from), from, &next);
        let landed = self.jump(reached.clone(), student(reached, &next), &next, &ends);
        let [of_x, of_x0] = self.coefficients(&x, from, &ends);
        (landed - x * of_x) / of_x0
    }

    /// The pseudo-Huber loss of each prediction, a mean over its values: `sqrt(difference² + c²) − c` (Luo et al. 2023's code; Song &
    /// Dhariwal 2024, equation 8). Output: `[batch]`.
    pub fn losses(&self, x0: Tensor<4>, goal: Tensor<4>) -> Tensor<1> {
        let c = self.huber_c;
        mean_of_each(((x0 - goal).square() + c * c).sqrt() - c)
    }

    /// What a step of DDIM multiplies the noisy and the clean image of each draw by.
    fn coefficients(&self, x: &Tensor<4>, from: &[usize], to: &[usize]) -> [Tensor<4>; 2] {
        let pair = |(from, to): (&usize, &usize)| {
            let (start, end) = (self.levels[*from], self.levels[*to]);
            // Also from the clean image to itself, where the quotient has no value.
            let share = if from == to { 1.0 } else { end.noise / start.noise };
            (share, end.signal - start.signal * share)
        };
        let (of_x, of_x0): (Vec<f64>, Vec<f64>) = from.iter().zip(to).map(pair).unzip();
        [per_image(&of_x, x), per_image(&of_x0, x)]
    }
}
