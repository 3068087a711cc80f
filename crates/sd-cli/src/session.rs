//! What commands share that run a model's networks: flags, checks and loading.

use std::collections::HashSet;

use sd_engine::{Engine, EngineOptions, Job, LibraryFolders, Notices};
use sd_pipeline::{Error, Model, Pipeline, Plan};

use crate::cancel::Cancel;
use crate::compute_flags::ComputeFlags;
use crate::failure::{Failure, on_device};
use crate::flag_names::with_flags;
use crate::model::ModelFlags;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// The model, and how its networks run.
#[derive(clap::Args)]
pub struct SessionFlags {
    #[command(flatten)]
    model: ModelFlags,
    #[command(flatten)]
    compute: ComputeFlags,
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
        self.compute.set_up(self.progress);
        let mut engine = own_engine(&self.compute, LibraryFolders::default())?;
        let mut progress = Progress::new(self.progress);
        if self.compute.chooses_device() {
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
pub fn own_engine(compute: &ComputeFlags, folders: LibraryFolders) -> Result<Engine, Failure> {
    compute.engine(LibraryFolders { paths: true, ..folders }, 1)
}

/// Says which device was chosen.
pub fn tell_device(engine: &Engine, progress: &Progress) {
    let device = &engine.options().device;
    progress.note(&format!("on {}: {}", device.name, device.hardware));
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
