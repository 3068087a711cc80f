use std::path::{Path, PathBuf};

use sd_weights::Weights;

use crate::config::{Json, SchedulerConfig, unconditional_config};
use crate::model::Kind;
use crate::{Error, Model};

impl Model {
    /// Opens a folder whose class is `DDPMPipeline` or `DDIMPipeline`.
    ///
    /// The parts of the first ones that were published lie in the folder itself, and diffusers looks for them there too.
    pub(crate) fn open_unconditional(folder: &Path, class: &str) -> Result<Self, Error> {
        let part = |name: &str| -> PathBuf {
            let part = folder.join(name);
            if part.is_dir() { part } else { folder.to_path_buf() }
        };
        let unet = part("unet");
        let (config, default_size) = unconditional_config(Json::read(&unet.join("config.json"))?)?;
        let mut scheduler = SchedulerConfig::of(Json::read(&part("scheduler").join("scheduler_config.json"))?)?;
        if class == "DDIMPipeline" {
            // Whatever its scheduler is, this class makes DDIM of it.
            scheduler.sampler = Some("ddim".parse()?);
        }
        Ok(Self {
            kind: Kind::Unconditional(config),
            scheduler,
            default_size,
            unet_weights: Weights::in_folder(&unet, "diffusion_pytorch_model")?,
            notes: Vec::new(),
        })
    }
}
