//! Flags of commands that draw jobs of others: folders of models and of what is added to them.

use std::path::PathBuf;

use sd_engine::{Engine, LibraryFolders};

use crate::cancel::Cancel;
use crate::compute_flags::ComputeFlags;
use crate::failure::Failure;
use crate::model::locate;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// The files that jobs can name. Nothing outside these folders is read.
#[derive(clap::Args)]
pub struct LibraryFlags {
    /// Model of jobs that name none: a folder, a single file, or a name on the hub [default: the built-in model]
    #[arg(long, value_name = "PATH|NAME", help_heading = "Models")]
    model: Option<PathBuf>,
    /// Folder of models, in folders and single files
    #[arg(long, value_name = "DIR", help_heading = "Models")]
    models: Option<PathBuf>,
    /// Folder of the LoRAs that prompts name with <lora:NAME:WEIGHT>
    #[arg(long, value_name = "DIR", env = "LORA_DIR", help_heading = "Models")]
    lora_dir: Option<PathBuf>,
    /// Folder of textual inversions
    #[arg(long, value_name = "DIR", help_heading = "Models")]
    embedding_dir: Option<PathBuf>,
    /// Folder of autoencoders
    #[arg(long, value_name = "DIR", help_heading = "Models")]
    vae_dir: Option<PathBuf>,
    /// Folder of networks that enlarge images
    #[arg(long, value_name = "DIR", help_heading = "Models")]
    upscaler_dir: Option<PathBuf>,
    /// Folder of control networks and IP-Adapters
    #[arg(long, value_name = "DIR", help_heading = "Models")]
    control_dir: Option<PathBuf>,
    /// Number of models that stay loaded; the last used ones do
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Models", value_parser = clap::value_parser!(u16).range(1..))]
    keep_models: u16,
    #[command(flatten)]
    compute: ComputeFlags,
}

impl LibraryFlags {
    /// Makes an engine, whose library has these files. A model on the hub is downloaded if needed.
    pub fn engine(&self, progress: &mut Progress, cancel: &Cancel) -> Result<Engine, Failure> {
        self.compute.set_up(ProgressKind::None);
        let folders = LibraryFolders {
            models: self.models.clone(),
            loras: self.lora_dir.clone(),
            embeddings: self.embedding_dir.clone(),
            vaes: self.vae_dir.clone(),
            upscalers: self.upscaler_dir.clone(),
            controls: self.control_dir.clone(),
            default_model: self.model.as_deref().map(|path| locate("--model", path, progress, cancel)).transpose()?,
            ..LibraryFolders::default()
        };
        self.compute.engine(folders, usize::from(self.keep_models))
    }
}
