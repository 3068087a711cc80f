use crate::ModelError;
use crate::config::{Json, SchedulerConfig, unconditional_config};
use crate::folder::Folder;
use crate::index::class_of;
use crate::model::{Defaults, Kind, Model};

impl Model {
    /// Opens a folder whose class is `DDPMPipeline`, `DDIMPipeline` or `PNDMPipeline`.
    ///
    /// The parts of the first ones that were published lie in the folder itself, and diffusers looks for them there too.
    pub(crate) fn open_unconditional(folder: &Folder, index: &Json, class: &str) -> Result<Self, ModelError> {
        let part = |name: &str| -> Result<Folder, ModelError> {
            Ok(if folder.has_folder(name)? { folder.join(name) } else { folder.clone() })
        };
        let unet = part("unet")?;
        let mut notes = Vec::new();
        let (config, default_size) = unet.json("config.json")?.loosely(&mut notes, unconditional_config)?;
        let scheduler = part("scheduler")?.json("scheduler_config.json")?.loosely(&mut notes, |json| {
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
            unet_weights: unet.weights("diffusion_pytorch_model")?,
            notes,
            defaults: Defaults::default(),
            loras: Vec::new(),
        })
    }
}
