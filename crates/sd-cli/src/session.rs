//! What commands share that run a model's networks: flags, checks and loading.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use sd_device::{DType, Tuning, best_device, device_info};
use sd_engine::{Engine, EngineOptions, Job, Library, LibraryFolders, Notices};
use sd_pipeline::{Error, Model, Pipeline, Plan};

use crate::builtin;
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flag_names::with_flags;
use crate::flags::{DEVICE, Precision};
use crate::model::ModelFlags;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// The model, and how its networks run.
#[derive(clap::Args)]
pub struct SessionFlags {
    #[command(flatten)]
    model: ModelFlags,
    #[arg(
        long,
        value_name = "NAME",
        help = format!("{DEVICE} [default: the GPU with the most memory, else flex]")
    )]
    device: Option<String>,
    /// Precision of the networks; f16 and bf16 halve the memory
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    /// Skip kernel tuning on GPUs: faster start, possibly slower images
    #[arg(long)]
    no_autotune: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

/// A model that is opened, but not loaded yet.
pub struct Session<'a> {
    flags: &'a SessionFlags,
    engine: Engine,
    job: Job,
    progress: Progress,
    cancel: Cancel,
}

impl SessionFlags {
    /// Opens the model; no weights are read.
    pub fn open(&self) -> Result<Session<'_>, Failure> {
        driver::set_up(if self.no_autotune { Tuning::Quick } else { Tuning::Thorough }, self.progress);
        let mut engine = engine(self.device.as_deref(), self.dtype.dtype(), LibraryFolders::default())?;
        let mut progress = Progress::new(self.progress);
        if self.device.is_none() {
            tell_device(&engine, &progress);
        }
        let (cancel, mut job) = (Cancel::on_ctrl_c(), Job::default());
        self.model.add_to(&mut job, &mut progress, &cancel)?;
        let (_, notices) = engine.open(&job)?;
        Told::default().tell(&notices, &progress);
        Ok(Session { flags: self, engine, job, progress, cancel })
    }
}

impl Session<'_> {
    /// The model.
    pub fn model(&mut self) -> Result<&Model, Failure> {
        Ok(self.engine.open(&self.job)?.0)
    }

    /// Checks that the device can draw a plan, and warns of what may surprise.
    pub fn check(&mut self, plan: &Plan) -> Result<(), Failure> {
        let EngineOptions { device, dtype, .. } = self.engine.options().clone();
        let (model, progress) = (self.engine.open(&self.job)?.0, &self.progress);
        plan.warnings(model).iter().for_each(|warning| progress.warn(&with_flags(warning)));
        if self.flags.model.is_builtin() {
            let warning = sd_engine::unknown_words(&model.split_words(&plan.words()));
            warning.iter().for_each(|warning| progress.warn(warning));
        }
        model.check_device(&plan.workload(), dtype, &device)?;
        if let Some(warning) = model.memory_warning(&plan.workload(), dtype, &device) {
            progress.warn(&with_flags(&warning));
        }
        Ok(())
    }

    /// Loads the weights and does the work.
    pub fn run(self, work: impl FnOnce(&Pipeline, &mut Progress, &Cancel) -> Result<(), Error>) -> Result<(), Failure> {
        let Self { flags, mut engine, job, mut progress, cancel } = self;
        let device = engine.options().device.name.clone();
        on_device(&device, || -> Result<(), Failure> {
            progress.busy(&format!("loading {} on {device}", flags.model.name()));
            let pipeline = engine.pipeline(&job)?;
            progress.loaded();
            Ok(work(pipeline, &mut progress, &cancel)?)
        })
    }
}

/// An engine for the user's own files, which jobs name by path.
pub fn engine(device: Option<&str>, dtype: DType, folders: LibraryFolders) -> Result<Engine, Failure> {
    let device = device.map_or_else(best_device, device_info)?;
    let library = Library::new(LibraryFolders { builtin: builtin::model(), paths: true, hashes: hashes(), ..folders })?;
    Ok(Engine::new(Arc::new(library), EngineOptions { device, dtype, keep: 1 }))
}

/// Says which device was chosen.
pub fn tell_device(engine: &Engine, progress: &Progress) {
    let device = &engine.options().device;
    progress.note(&format!("on {}: {}", device.name, device.hardware));
}

/// The file in the user's cache that keeps the hashes of models.
pub fn hashes() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(std::env::home_dir()?.join(".cache"));
    Some(cache.or_else(home)?.join("sd-burn").join("hashes.json"))
}

/// What was told, so that it is told once.
#[derive(Default)]
pub struct Told(HashSet<String>);

impl Told {
    /// Tells what is worth knowing, and what may surprise.
    pub fn tell(&mut self, notices: &Notices, progress: &Progress) {
        for note in &notices.notes {
            if self.0.insert(note.clone()) {
                progress.note(note);
            }
        }
        self.warn(&notices.warnings, progress);
    }

    pub fn warn(&mut self, warnings: &[String], progress: &Progress) {
        for warning in warnings {
            if self.0.insert(warning.clone()) {
                progress.warn(&with_flags(warning));
            }
        }
    }
}
