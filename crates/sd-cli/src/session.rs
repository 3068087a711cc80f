//! What commands share that run a model's networks: flags, checks and loading.

use sd_device::{DeviceInfo, Tuning, best_device, device_by_name, device_info};
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
    device: DeviceInfo,
    name: String,
    pub model: Model,
    progress: Progress,
    cancel: Cancel,
}

impl SessionFlags {
    /// Opens the model; no weights are read.
    pub fn open(&self) -> Result<Session<'_>, Failure> {
        driver::set_up(if self.no_autotune { Tuning::Quick } else { Tuning::Thorough }, self.progress);
        let device = self.device.as_deref().map_or_else(best_device, device_info)?;
        let mut progress = Progress::new(self.progress);
        if self.device.is_none() {
            progress.note(&format!("on {}: {}", device.name, device.hardware));
        }
        let cancel = Cancel::on_ctrl_c();
        let (name, mut model) = self.model.open(&mut progress, &cancel)?;
        model.notes().iter().for_each(|note| progress.warn(&with_flags(note)));
        self.model.add(&mut model, &progress)?;
        Ok(Session { flags: self, device, name, model, progress, cancel })
    }
}

impl Session<'_> {
    /// Checks that the device can draw a plan, and warns of what may surprise.
    pub fn check(&self, plan: &Plan) -> Result<(), Failure> {
        let Self { model, progress, device, .. } = self;
        plan.warnings(model).iter().for_each(|warning| progress.warn(&with_flags(warning)));
        if self.flags.model.is_builtin() {
            builtin::warn_of_unknown_words(&model.split_words(&plan.words()), progress);
        }
        let dtype = self.flags.dtype.dtype();
        model.check_device(&plan.workload(), dtype, device)?;
        if let Some(warning) = model.memory_warning(&plan.workload(), dtype, device) {
            progress.warn(&with_flags(&warning));
        }
        Ok(())
    }

    /// Loads the weights and does the work.
    pub fn run(self, work: impl FnOnce(&Pipeline, &mut Progress, &Cancel) -> Result<(), Error>) -> Result<(), Failure> {
        let Self { flags, device, name, model, mut progress, cancel } = self;
        on_device(&device.name, || -> Result<(), Error> {
            progress.busy(&format!("loading {name} on {}", device.name));
            let pipeline = Pipeline::load(model, &device_by_name(&device.name)?, flags.dtype.dtype())?;
            sd_pipeline::keep_memory();
            progress.loaded();
            work(&pipeline, &mut progress, &cancel)
        })
    }
}
