use crate::ModelError;
use crate::config::{Json, SchedulerConfig, unconditional_config};
use crate::folder::Folder;
use crate::index::class_of;
use crate::model::{Defaults, Kind, Model};

impl Model {
    /// Opens a folder whose class is `DDPMPipeline`, `DDIMPipeline` or `PNDMPipeline`.
    ///
    /// The first published models have their parts in the folder itself, where diffusers looks for them too.
    pub(crate) fn open_unconditional(folder: &Folder, index: &Json, class: &str) -> Result<Self, ModelError> {
        let part = |name: &str| -> Result<Folder, ModelError> {
            Ok(if folder.has_folder(name)? { folder.join(name) } else { folder.clone() })
        };
        let unet = part("unet")?;
        let mut notes = Vec::new();
        let (config, default_size) = unet.json("config.json")?.loosely(&mut notes, unconditional_config)?;
        let scheduler = part("scheduler")?.json("scheduler_config.json")?.loosely(&mut notes, |json| {
            // These two pipelines replace whatever scheduler the folder has.
            json.set_class(match class {
                "DDIMPipeline" => Some("DDIMScheduler"),
                "PNDMPipeline" => Some("PNDMScheduler"),
                _ => class_of(index, "scheduler"),
            });
            SchedulerConfig::from_json(json)
        })?;
        notes.extend(scheduler.note());
        Ok(Self {
            kind: Kind::Unconditional(config),
            scheduler,
            default_size,
            unet_weights: unet.weights("diffusion_pytorch_model")?,
            notes,
            defaults: Defaults::default(),
            few_steps: None,
            own_few_steps: None,
            loras: Vec::new(),
            controls: Vec::new(),
            image_adapters: Vec::new(),
            mapped: None,
            int8: false,
        })
    }
}
