//! Consistency distillation where its goals have closed forms: on Gaussian data.

use std::ops::Range;

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};
use sd_train::tasks::{Distillation, DistillationConfig, TextToLatents};
use sd_train::{
    Consistency, ConsistencyConfig, Objective, OptimiserConfig, Purpose, Rate, Stream, Task, Trainer, TrainerConfig,
    Weighting, initialise,
};

use crate::learning::{model, random};
use crate::values::values;

fn schedule() -> NoiseSchedule {
    NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap()).unwrap()
}

fn consistency(skip: usize, phases: usize) -> Consistency {
    Consistency::new(&schedule(), ConsistencyConfig { skip, phases, huber_c: 1.0 })
}

/// `x → gain·x + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Affine {
    gain: f64,
    offset: f64,
}

impl Affine {
    fn at(self, x: f64) -> f64 {
        self.gain * x + self.offset
    }

    fn after(self, first: Self) -> Self {
        Self { gain: self.gain * first.gain, offset: self.at(first.offset) }
    }
}

/// Mean and standard deviation of the data.
const MEAN: f64 = 0.7;
const STD: f64 = 0.6;

/// Signal and noise of a level.
fn level(consistency: &Consistency, level: usize) -> (f64, f64) {
    if level == 0 {
        return (1.0, 0.0);
    }
    let alpha_bar = schedule().alpha_bar(consistency.t(level));
    (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt())
}

/// The standard deviation of noisy images.
fn spread((signal, noise): (f64, f64)) -> f64 {
    (signal * STD).hypot(noise)
}

/// The mean of the clean images behind a noisy one.
fn exact_denoised((signal, noise): (f64, f64)) -> Affine {
    let gain = signal * STD * STD / spread((signal, noise)).powi(2);
    Affine { gain, offset: MEAN - gain * signal * MEAN }
}

/// Where the probability flow leads a noisy image.
fn exact_flow(from: (f64, f64), to: (f64, f64)) -> Affine {
    let gain = spread(to) / spread(from);
    Affine { gain, offset: to.0 * MEAN - gain * from.0 * MEAN }
}

/// A step of DDIM with a predicted clean image.
fn ddim(from: (f64, f64), to: (f64, f64), denoised: Affine) -> Affine {
    let share = to.1 / from.1;
    let of_denoised = to.0 - from.0 * share;
    Affine { gain: share + of_denoised * denoised.gain, offset: of_denoised * denoised.offset }
}

/// The prediction of a clean image with which DDIM steps to where `reached` says.
fn prediction(from: (f64, f64), to: (f64, f64), reached: Affine) -> Affine {
    let share = to.1 / from.1;
    let of_denoised = to.0 - from.0 * share;
    Affine { gain: (reached.gain - share) / of_denoised, offset: reached.offset / of_denoised }
}

fn tensor(values: Vec<f64>) -> Tensor<4> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count, 1, 1, 1]), (&Device::flex(), DType::F64))
}

fn numbers(tensor: Tensor<4>) -> Vec<f64> {
    tensor.into_data().try_to_vec().unwrap()
}

/// A prediction at each level, as a function of a batch.
fn predict(affine: impl Fn(usize) -> Affine) -> impl FnOnce(Tensor<4>, &[usize]) -> Tensor<4> {
    move |x, levels| tensor(numbers(x).into_iter().zip(levels).map(|(x, n)| affine(*n).at(x)).collect())
}

/// The largest distance between where the exact consistency function is told to jump, and where it jumps.
fn largest_error(skip: usize, phases: usize) -> f64 {
    let consistency = consistency(skip, phases);
    let of = |n| level(&consistency, n);
    let from: Vec<usize> = (1..=consistency.steps()).collect();
    let ends: Vec<usize> = from.iter().map(|n| consistency.end(*n)).collect();
    let x: Vec<f64> = from.iter().map(|n| of(*n).0 * MEAN + 1.5 * spread(of(*n))).collect();
    let student = |n: usize| match consistency.end(n + 1) {
        // It has arrived, and whatever it predicts is not to count.
        end if end == n => Affine { gain: 0.0, offset: 123.0 },
        end => prediction(of(n), of(end), exact_flow(of(n), of(end))),
    };
    let goal = consistency.goal(tensor(x.clone()), &from, predict(|n| exact_denoised(of(n))), predict(student));
    let landed = numbers(consistency.jump(tensor(x.clone()), goal, &from, &ends));
    let exact = from.iter().zip(&ends).zip(&x).map(|((n, end), x)| exact_flow(of(*n), of(*end)).at(*x));
    landed.iter().zip(exact).map(|(landed, exact)| (landed - exact).abs()).fold(0.0, f64::max)
}

#[test]
fn the_exact_consistency_function_meets_its_goal_as_steps_shrink() {
    for phases in [1, 4] {
        let [coarse, medium, fine] = [25, 10, 5].map(|skip| largest_error(skip, phases));
        assert!(coarse / medium > 2.0 && medium / fine > 1.7 && fine < 0.01, "{phases}: {coarse} {medium} {fine}");
    }
}

#[test]
fn the_last_goal_of_a_phase_is_what_the_teacher_predicts() {
    let consistency = consistency(100, 5);
    assert_eq!([0, 1, 2, 3, 4, 9, 10].map(|n| consistency.end(n)), [0, 0, 0, 2, 2, 8, 8]);
    let (from, x) = ([1, 3, 9], vec![0.3, -0.8, 1.7]);
    let teacher = predict(|n| exact_denoised(level(&consistency, n)));
    let goal = numbers(consistency.goal(tensor(x.clone()), &from, teacher, |x, _| x * 0.0 + 123.0));
    for ((n, x), goal) in from.into_iter().zip(x).zip(goal) {
        assert!((goal - exact_denoised(level(&consistency, n)).at(x)).abs() < 1e-9, "{n}");
    }
}

/// A student of one gain and one offset for each level.
struct Toy {
    consistency: Consistency,
    average: Option<Embedding>,
}

impl Toy {
    fn predict(student: &Embedding, x: Tensor<4>, levels: &[usize]) -> Tensor<4> {
        let (count, ids) = (levels.len(), levels.iter().map(|n| *n as i32).collect());
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [count, 1]), &x.device());
        let affine = student.forward(ids);
        let of = |i: usize| affine.clone().narrow(2, i, 1).reshape([count, 1, 1, 1]);
        x * of(0) + of(1)
    }
}

impl Task<Embedding> for Toy {
    type Batch = (Tensor<4>, Vec<usize>);

    fn batch(&self, draws: Range<u64>) -> Self::Batch {
        let levels: Vec<usize> = draws.clone().map(|draw| 1 + draw as usize % self.consistency.steps()).collect();
        let x = draws.zip(&levels).map(|(draw, n)| {
            let mut normals = Stream::new(1, Purpose::Noise, draw).normals();
            let (signal, noise) = level(&self.consistency, *n);
            signal * (MEAN + STD * normals.next().unwrap()) + noise * normals.next().unwrap()
        });
        (tensor(x.collect()).cast(DType::F32), levels)
    }

    fn follow(&mut self, averaged: impl FnOnce() -> Embedding) {
        self.average = Some(averaged());
    }

    fn losses(&self, model: &Embedding, (x, levels): &Self::Batch) -> Tensor<1> {
        let teacher = |x: Tensor<4>, levels: &[usize]| {
            predict(|n| exact_denoised(level(&self.consistency, n)))(x.cast(DType::F64), levels).cast(DType::F32)
        };
        let average = self.average.as_ref().unwrap();
        let goal = self.consistency.goal(x.clone(), levels, teacher, |x, levels| Self::predict(average, x, levels));
        self.consistency.losses(Self::predict(model, x.clone(), levels), goal)
    }
}

#[test]
fn a_distilled_student_jumps_to_where_the_teacher_walks() {
    let mut toy = Toy { consistency: consistency(100, 2), average: None };
    let steps = toy.consistency.steps();
    let student = initialise(EmbeddingConfig::new(steps + 1, 2).init(&Device::flex().autodiff()), 1);
    let config = TrainerConfig::new(Rate::new(0.03, 10, 1200), 50, 0.9)
        .with_optimiser(OptimiserConfig::new().with_weight_decay(0.0));
    let mut trainer = Trainer::new(student, config);
    for _ in 0..1200 {
        trainer.step(&mut toy).unwrap();
    }
    let table: Vec<f32> = trainer.averaged().weight.val().into_data().try_to_vec().unwrap();
    let of = |n| level(&toy.consistency, n);
    for n in 1..=steps {
        let end = toy.consistency.end(n);
        let walk = (end + 1..=n).rev().map(|m| ddim(of(m), of(m - 1), exact_denoised(of(m))));
        let walk = walk.reduce(|all, next| next.after(all)).unwrap();
        let expected = prediction(of(n), of(end), walk);
        let found = Affine { gain: f64::from(table[2 * n]), offset: f64::from(table[2 * n + 1]) };
        for deviation in [-1.0, 1.0] {
            let x = of(n).0 * MEAN + deviation * spread(of(n));
            assert!((found.at(x) - expected.at(x)).abs() < 0.03, "{n}: {found:?} {expected:?}");
        }
    }
}

/// Eight latents of noise, whose captions are two tokens.
fn distillation(phases: usize, guidance: [f64; 2]) -> Distillation {
    let objective = Objective { schedule: schedule(), prediction: Prediction::V, weighting: Weighting::Simple };
    let captions = (0..8).map(|i| vec![10, i, 11]).collect();
    let consistency = Consistency::new(&schedule(), ConsistencyConfig { skip: 100, phases, huber_c: 1e-3 });
    let config = DistillationConfig::new(5, guidance);
    let texts = (captions, vec![10, 11, 11]);
    Distillation::new(random([8, 4, 4, 4], 1), texts, (objective, consistency), model(&Device::flex()), config)
}

/// The teacher's copy, which also reads the guidance scale.
fn student() -> TextToLatents {
    let device = Device::flex().autodiff();
    let TextToLatents { text, unet, .. } = model(&device);
    TextToLatents::new(text.freeze(), unet.with_guidance_embedding(8, &device))
}

fn config() -> TrainerConfig {
    TrainerConfig::new(Rate::new(1e-3, 1, 12), 8, 0.95).with_passes(2)
}

/// With a phase for each step of the teacher, its guided predictions are the goals.
#[test]
fn a_student_has_nothing_to_learn_of_single_steps_but_the_guidance() {
    let loss = |guidance| {
        let mut trainer = Trainer::new(student(), config());
        trainer.step(&mut distillation(10, guidance)).unwrap().loss
    };
    let (none, strong) = (loss([1.0, 1.0]), loss([5.0, 5.0]));
    assert!(none < 1e-5 && strong > 1e-3, "{none} {strong}");
}

#[test]
fn a_resumed_distillation_is_bit_for_bit_the_one_that_was_not_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let task = || distillation(2, [1.0, 5.0]);
    let (mut whole, mut whole_task) = (Trainer::new(student(), config()), task());
    let expected: Vec<_> = (0..12).map(|_| whole.step(&mut whole_task).unwrap()).collect();

    let (mut half, mut half_task) = (Trainer::new(student(), config()), task());
    let mut found: Vec<_> = (0..6).map(|_| half.step(&mut half_task).unwrap()).collect();
    half.save(folder.path(), &half_task).unwrap();
    let mut resumed_task = task();
    let mut resumed = Trainer::resume(initialise(student(), 99), config(), folder.path(), &mut resumed_task).unwrap();
    found.extend((0..6).map(|_| resumed.step(&mut resumed_task).unwrap()));

    assert_eq!(found, expected);
    assert_eq!(values(resumed.model()), values(whole.model()));
    assert_eq!(values(&resumed.averaged()), values(&whole.averaged()));
    assert_eq!(values(&whole.model().text), values(&student().text));
    let unet = values(&student().unet);
    assert!(values(&whole.model().unet).iter().zip(&unet).all(|(new, old)| new != old));
}
