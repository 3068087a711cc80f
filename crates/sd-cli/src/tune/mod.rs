//! `sd tune`.

mod images;
mod prompts;
mod state;

use std::path::{Path, PathBuf};

use sd_device::{Tuning as Kernels, device_by_name};
use sd_engine::{Entry, Kind, Library, LibraryFolders};
use sd_pipeline::{Choices, FreshNoise, NoiseLevels, Pipeline, Request, SamplerName};
use sd_tune::{Errors, Found, Settings, Steps, TunedSchedule, Tuning};

use self::images::Images;
use self::state::{Key, State};
use crate::builtin;
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flags::{DeviceFlag, Precision};
use crate::installed;
use crate::outputs;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Find the best few steps for a model.
///
/// Draws images with many steps once, and then searches for the sampler and the noise levels with which a few steps come closest to
/// them, or with --weights for the levels and weights of a multistep method. The result is a small file for --schedule, for this model,
/// guidance and number of steps. Images with other prompts and seeds judge it.
///
/// With --install they are the default for that model and number of steps. After Ctrl-C the same command continues, from a file beside
/// the output.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    /// Folder or single file of a model [default: the built-in model]
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Number of steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=100))]
    steps: u16,
    /// Sampler without fresh noise; see `sd samplers` [default: the best of unipc, dpm++2m, deis, ipndm and lms; with --weights ipndm]
    #[arg(long, value_name = "NAME")]
    sampler: Option<String>,
    /// Also tune the weights of each step; only for ipndm
    #[arg(long)]
    weights: bool,
    /// Guidance scale [default: the model's own]
    #[arg(long, value_name = "F")]
    guidance: Option<f64>,
    /// File of prompts, one a line [default: captions of landscapes for the built-in model, else some of all kinds]
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Images to tune on; half as many more judge the result
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(2..=1000))]
    images: u16,
    /// Most network calls of the search, for each image
    #[arg(long, value_name = "CALLS", default_value_t = 1000)]
    budget: usize,
    /// Random seed of the first image
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Images drawn at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Output file, which ends in .json
    #[arg(long, value_name = "FILE", required_unless_present = "install")]
    output: Option<PathBuf>,
    /// Instead of --output, put the file beside the model, so that `sd generate --steps N` takes it by default
    ///
    /// It is tuned/N.json in the model's folder, or NAME.tuned/N.json beside a single file; remove it to undo this. Only steps that
    /// are closer on other images are put there. `sd info` shows them.
    #[arg(long, conflicts_with = "output", requires = "model")]
    install: bool,
    #[command(flatten)]
    device: DeviceFlag,
    /// Precision of the networks
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

/// The samplers that are tried, those with one call a step that are good with few. The results are compared with the first.
const SAMPLERS: [&str; 5] = ["unipc", "dpm++2m", "deis", "ipndm", "lms"];
/// Schedules to start from, besides a sampler's usual one.
const SCHEDULES: [&str; 2] = ["karras", "kl_optimal"];

const EXAMPLES: &str = "\
Examples:
  sd tune --steps 5 --output five.json
  sd generate --schedule five.json --prompt \"a red house by the sea at sunset\"
  sd tune --model sd15 --steps 8 --weights --images 8 --output sd15-8.json
  sd tune --model sd15 --steps 6 --weights --install && sd generate --model sd15 --steps 6 --prompt \"a lighthouse\"

Exit codes: 0 found, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Searches.
pub fn run(args: &Args) -> Result<(), Failure> {
    driver::set_up(Kernels::Thorough, args.progress);
    on_device(&args.device.name, || args.tune())
}

impl Args {
    fn tune(&self) -> Result<(), Failure> {
        let samplers = self.samplers()?;
        let output = self.output()?;
        let device = device_by_name(&self.device.name)?;
        let (mut progress, cancel) = (Progress::new(self.progress), Cancel::on_ctrl_c());
        let path = self.model.as_deref();
        progress.busy(&format!("loading {}", builtin::name(path)));
        let pipeline = Pipeline::load(builtin::open(path, &Choices::default())?, &device, self.dtype.dtype())?;
        progress.loaded();

        let (tuned_on, held_out) = (usize::from(self.images), usize::from(self.images).div_ceil(2));
        let prompts = match pipeline.model().reads_text() {
            true => prompts::read(self.prompts.as_deref(), path.is_none(), tuned_on + held_out)?,
            false => Vec::new(),
        };
        let requests: Vec<Request> = (0..tuned_on + held_out).map(|i| self.request(samplers[0], &prompts, i)).collect();
        let plan = pipeline.plan(&requests[0])?;
        let guidance = plan.settings.guidance.as_ref().map_or(1.0, |guidance| guidance.value);
        let images = Images { pipeline: &pipeline, requests, batch: self.batch.into(), cancel: &cancel };

        let key = Key {
            samplers: samplers.iter().map(ToString::to_string).collect(),
            steps: self.steps.into(),
            weights: self.weights,
            guidance,
            model_hash: self.model_hash()?,
            prompts_hash: prompts::hash(&prompts),
            images: tuned_on,
            seed: self.seed,
            batch: self.batch.into(),
            budget: self.budget,
        };
        let mut state = State::open(&output, key)?;
        let usual = images.steps(samplers[0], None)?;
        state.converge(&images, &usual.levels, &mut progress)?;
        let calls = plan.calls(pipeline.model())?.max(1);
        if state.tuning.is_none() {
            let settings = Settings { weights: self.weights, budget: self.budget.div_ceil(calls) };
            let starts = starts(&images, &samplers, &usual, state.fewest_errors.as_ref())?;
            state.tuning = Some(Tuning::new(settings, state.converged[..tuned_on].concat(), starts));
        }
        self.search(&mut state, &images, calls, &mut progress)?;
        let is_written = self.finish(&state, &images, usual, &output, &mut progress)?;
        state.remove();
        if is_written {
            progress.finished(&output.display().to_string());
        }
        Ok(())
    }

    /// The file of the result, which can be written.
    fn output(&self) -> Result<PathBuf, Failure> {
        if let (true, Some(model)) = (self.install, &self.model) {
            let file = installed::file(model, self.steps.into());
            let folder = file.parent().unwrap_or(model);
            let made = std::fs::metadata(model).and_then(|_| std::fs::create_dir_all(folder));
            made.map_err(|error| Failure::new(format!("--install {}: {error}", folder.display())))?;
            return Ok(file);
        }
        let file = self.output.clone().unwrap_or_default();
        outputs::check_file("--output", &file)?;
        if !crate::schedule::is_file(&file) {
            return Err(Failure::usage(format!("--output {}: its name must end in .json", file.display())));
        }
        Ok(file)
    }

    /// The samplers that are tried: the one that is named, if its steps can be tuned.
    fn samplers(&self) -> Result<Vec<SamplerName>, Failure> {
        let Some(name) = &self.sampler else {
            let names = if self.weights { &["ipndm"][..] } else { &SAMPLERS };
            return Ok(names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?);
        };
        let sampler: SamplerName = name.parse()?;
        if sampler.info().fresh != FreshNoise::Never || sampler.info().name == "pf" {
            let reason = "it draws fresh noise or chooses its own steps: take another, or leave --sampler out";
            return Err(Failure::usage(format!("--sampler {sampler}: {reason}")));
        }
        if self.weights && sampler.info().name != "ipndm" {
            return Err(Failure::usage(format!(
                "--sampler {sampler}: --weights are for ipndm: take that, or leave them out"
            )));
        }
        Ok(vec![sampler])
    }

    fn request(&self, sampler: SamplerName, prompts: &[String], index: usize) -> Request {
        Request {
            prompt: (!prompts.is_empty()).then(|| prompts[index % prompts.len()].clone()),
            sampler: Some(sampler),
            steps: Some(self.steps.into()),
            guidance: self.guidance,
            seed: self.seed.wrapping_add(index as u64),
            ..Request::default()
        }
    }

    fn model_hash(&self) -> Result<String, Failure> {
        let library = Library::new(LibraryFolders { builtin: builtin::model(), ..LibraryFolders::default() })?;
        let entry = Entry { kind: Kind::Model, name: builtin::name(self.model.as_deref()), path: self.model.clone() };
        Ok(library.hash(&entry)?)
    }

    /// Goes on until the budget is spent or nothing more is gained, and keeps every iteration.
    fn search(&self, state: &mut State, images: &Images, calls: usize, progress: &mut Progress) -> Result<(), Failure> {
        let tuned_on = usize::from(self.images);
        loop {
            let tuning = state.tuning.as_mut().expect("it was made");
            let error = |tuning: &Tuning| tuning.best().map_or(f64::NAN, |found| found.error);
            let what =
                format!("searching: error {:.4}, first {:.4}", error(tuning), tuning.first_error().unwrap_or(f64::NAN));
            let done = (tuning.drawings() * calls).min(self.budget);
            progress.work(&what, done as u64, self.budget as u64);
            let went_on = tuning.advance(&mut |steps| Ok::<_, Failure>(images.draw(steps, 0..tuned_on)?.concat()))?;
            if !went_on {
                return Ok(());
            }
            state.keep()?;
        }
    }

    /// Judges the result on the other images, and writes it if it helps there; otherwise the usual levels, or nothing that would be
    /// taken by default.
    fn finish(
        &self,
        state: &State,
        images: &Images,
        usual: Steps,
        output: &Path,
        progress: &mut Progress,
    ) -> Result<bool, Failure> {
        let tuning = state.tuning.as_ref().expect("it was searched");
        let found = tuning.best().ok_or_else(|| Failure::usage("--budget: too small for a single drawing".into()))?;
        let held_out = usize::from(self.images)..state.converged.len();
        let judge = |steps: &Steps| -> Result<f64, Failure> {
            let drawn = images.draw(steps, held_out.clone())?;
            Ok(distance(&drawn.concat(), &state.converged[held_out.clone()].concat()))
        };
        let (before, after) = (judge(&usual)?, judge(&found.steps)?);
        let first = tuning.first_error().unwrap_or(found.error);
        let is_better = after < before;
        if !is_better && self.install {
            progress.warn("the usual levels are as good on other images: nothing is installed");
            return Ok(false);
        }
        if !is_better {
            progress.warn("the usual levels are as good on other images: the file has these");
        }
        let Found { steps, error } = if is_better { found } else { Found { steps: usual, error: first } };
        let name = builtin::name(self.model.as_deref());
        let mut schedule = TunedSchedule::new(steps, [&name, &state.key.model_hash]);
        schedule.guidance = state.key.guidance;
        schedule.prompts_hash.clone_from(&state.key.prompts_hash);
        schedule.tuned = Errors { images: self.images.into(), before: first, after: error };
        schedule.held_out = Errors { images: held_out.len(), before, after: after.min(before) };
        schedule.write(output)?;
        progress.note(&format!(
            "error on {} other images: {before:.4} before, {:.4} now",
            held_out.len(),
            after.min(before)
        ));
        Ok(true)
    }
}

/// The steps to start from: for each sampler those at its usual levels, which are `usual` for the first one, at the levels of some
/// schedules, and at those with the fewest errors.
fn starts(
    images: &Images,
    samplers: &[SamplerName],
    usual: &Steps,
    fewest_errors: Option<&NoiseLevels>,
) -> Result<Vec<Steps>, Failure> {
    let mut starts = Vec::new();
    for &sampler in samplers {
        starts.push(images.steps(sampler, None)?);
        let schedules = SCHEDULES.into_iter().flat_map(str::parse);
        // A schedule may not suit the model.
        starts.extend(schedules.filter_map(|schedule| images.steps(sampler, Some(schedule)).ok()));
        starts.extend(fewest_errors.map(|levels| Steps::new(sampler.info().name, levels.clone())));
    }
    starts.retain(|steps| steps.levels.steps() == usual.levels.steps());
    starts.dedup();
    Ok(starts)
}

/// The root mean square of the differences.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / a.len().max(1) as f64).sqrt()
}
