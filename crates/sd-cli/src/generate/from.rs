//! Flags of `sd generate` about images that are drawn again.

use std::path::{Path, PathBuf};

use sd_engine::{Job, Library, LibraryFolders};
use sd_image::{Image, Mask};
use sd_pipeline::Init;

use crate::again::{self, Again, by_path, overlaid};
use crate::builtin;
use crate::compute_flags::hashes;
use crate::failure::Failure;
use crate::flag_names::with_flags;

/// An image to draw again, and the files that it may name.
#[derive(clap::Args)]
#[command(next_help_heading = "Drawing an image again")]
pub struct FromFlags {
    /// Take prompt and settings from an image: of sd-burn, AUTOMATIC1111 or ComfyUI; other flags replace single ones
    #[arg(long, value_name = "IMAGE", conflicts_with = "latents")]
    from: Option<PathBuf>,
    /// Folder of the models that images name
    #[arg(long, value_name = "DIR", requires = "from")]
    models: Option<PathBuf>,
    /// Folder of the autoencoders that they name
    #[arg(long, value_name = "DIR", requires = "from")]
    vae_dir: Option<PathBuf>,
    /// Folder of the networks for --hires that they name
    #[arg(long, value_name = "DIR", requires = "from")]
    upscaler_dir: Option<PathBuf>,
    /// Folder of the control networks and IP-Adapters that they name
    #[arg(long, value_name = "DIR", requires = "from")]
    control_dir: Option<PathBuf>,
}

impl FromFlags {
    /// The image's settings, if there is one.
    pub fn read(&self) -> Result<Option<FromImage>, Failure> {
        let Some(file) = &self.from else { return Ok(None) };
        let said = again::read(file).map_err(|failure| failure.with_flag("--from"))?;
        Ok(Some(FromImage { file: file.clone(), said }))
    }

    /// The job of the image, with the flags' job over it, and what cannot be had.
    ///
    /// `folders` has the other folders of files that jobs name.
    pub fn job(&self, from: &FromImage, flags: &Job, folders: &LibraryFolders) -> Result<Again, Failure> {
        let library = Library::new(LibraryFolders {
            models: self.models.clone(),
            vaes: self.vae_dir.clone(),
            upscalers: self.upscaler_dir.clone(),
            controls: self.control_dir.clone(),
            // The model of the flags may be the one that the image names.
            default_model: flags.model.as_deref().map(PathBuf::from),
            builtin: builtin::model(),
            hashes: hashes(),
            paths: false,
            ..folders.clone()
        })?;
        let Again { job, mut lost } = Again::new(&from.file, from.said.making.as_ref(), &library, &given(flags))?;
        if flags.model.is_some() {
            lost.retain(|what| !what.starts_with("the model "));
        }
        if flags.request.init.is_some() {
            lost.retain(|what| !what.contains("changed from another") && !what.contains("the initial image"));
        }
        let job = overlaid(by_path(job, &library)?, flags)?;
        let lost = lost.iter().map(|what| format!("--from {}: {}", from.file.display(), with_flags(what))).collect();
        Ok(Again { job, lost })
    }
}

/// An image that is drawn again.
pub struct FromImage {
    file: PathBuf,
    said: again::Said,
}

impl FromImage {
    /// The seed that the image names.
    pub fn seed(&self) -> Option<u64> {
        let making = self.said.making.as_ref()?;
        let seed = making.parameters.get("Seed")?;
        seed.parse().ok().or_else(|| seed.parse::<i64>().ok().map(|seed| seed as u64))
    }

    /// The model that the image names, for file names.
    pub fn model(&self) -> Option<&str> {
        self.said.making.as_ref()?.parameters.get("Model")
    }
}

/// The images that the flags name.
fn given(flags: &Job) -> Vec<Image> {
    let request = &flags.request;
    let init = match &request.init {
        Some(Init::Image(image)) => Some(image.clone()),
        _ => None,
    };
    let masks = request.inpaint.iter().map(|inpaint| &inpaint.mask).chain(&request.depth).map(Mask::to_image);
    let controls = request.controls.iter().filter_map(|control| control.image.clone());
    let prompts = request.image_prompts.iter().flat_map(|prompt| prompt.images.clone());
    init.into_iter().chain(masks).chain(controls).chain(prompts).collect()
}

/// The file's name of a model, without folders and extension.
pub fn model_name(path: &Path) -> String {
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
