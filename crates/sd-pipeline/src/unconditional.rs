use std::path::{Path, PathBuf};

use sd_weights::Weights;

use crate::config::{Json, SchedulerConfig, unconditional_config};
use crate::model::{Kind, class_of};
use crate::{Error, Model};

impl Model {
    /// Opens a folder whose class is `DDPMPipeline`, `DDIMPipeline` or `PNDMPipeline`.
    ///
    /// The parts of the first ones that were published lie in the folder itself, and diffusers looks for them there too.
    pub(crate) fn open_unconditional(folder: &Path, index: &Json, class: &str) -> Result<Self, Error> {
        let part = |name: &str| -> PathBuf {
            let part = folder.join(name);
            if part.is_dir() { part } else { folder.to_path_buf() }
        };
        let unet = part("unet");
        let mut notes = Vec::new();
        let (config, default_size) =
            Json::read(&unet.join("config.json"))?.loosely(&mut notes, unconditional_config)?;
        let file = part("scheduler").join("scheduler_config.json");
        let scheduler = Json::read(&file)?.loosely(&mut notes, |json| {
            // Whatever the scheduler is, these two classes make another of it.
            json.set_class(match class {
                "DDIMPipeline" => Some("DDIMScheduler"),
                "PNDMPipeline" => Some("PNDMScheduler"),
                _ => class_of(index, "scheduler"),
            });
            SchedulerConfig::of(json)
        })?;
        notes.extend(scheduler.note());
        Ok(Self {
            kind: Kind::Unconditional(config),
            scheduler,
            default_size,
            unet_weights: Weights::in_folder(&unet, "diffusion_pytorch_model")?,
            notes,
        })
    }
}
