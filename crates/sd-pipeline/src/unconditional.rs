use crate::config::{SchedulerConfig, unconditional_config};
use crate::folder::Folder;
use crate::model::Kind;
use crate::{Error, Model};

impl Model {
    /// Opens a folder whose class is `DDPMPipeline` or `DDIMPipeline`.
    ///
    /// The parts of the first ones that were published lie in the folder itself, and diffusers looks for them there too.
    pub(crate) fn open_unconditional(folder: &Folder, class: &str) -> Result<Self, Error> {
        let part = |name: &str| -> Result<Folder, Error> {
            Ok(if folder.has_folder(name)? { folder.join(name) } else { folder.clone() })
        };
        let unet = part("unet")?;
        let (config, default_size) = unconditional_config(unet.json("config.json")?)?;
        let mut scheduler = SchedulerConfig::of(part("scheduler")?.json("scheduler_config.json")?)?;
        if class == "DDIMPipeline" {
            // Whatever its scheduler is, this class makes DDIM of it.
            scheduler.sampler = Some("ddim".parse()?);
        }
        Ok(Self {
            kind: Kind::Unconditional(config),
            scheduler,
            default_size,
            unet_weights: unet.weights("diffusion_pytorch_model")?,
            notes: Vec::new(),
        })
    }
}
