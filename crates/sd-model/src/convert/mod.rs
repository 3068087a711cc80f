//! A model from one layout to the other, or to another precision, without its weights ever being in memory as a whole.

mod folder;
mod single;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType};
use sd_schedule::Prediction;
use sd_weights::single_file::{Family, Predicted, SingleFile};
use sd_weights::{SafetensorsWriter, WeightsError, make_folder_atomically};

use crate::model::Kind;
use crate::text_to_image::TextToImage;
use crate::vae::VaeConfig;
use crate::{Choices, DType, Field, Model, ModelError};

/// How the files of a model are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A folder with `model_index.json` and a folder for each part.
    Diffusers,
    /// All parts in one file, with the names of the original programs.
    Single,
}

impl Layout {
    /// The layout that a name asks for: `.safetensors` is a single file, any other a folder.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] for the name of a PyTorch file, which is not written.
    pub fn of_name(path: &Path) -> Result<Self, ModelError> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("safetensors") => Ok(Self::Single),
            Some(torch @ ("ckpt" | "pt" | "pth" | "bin")) => {
                let reason = format!("{}: .{torch} is not written: call it .safetensors", path.display());
                Err(ModelError::request(Field::Output, reason))
            }
            _ => Ok(Self::Diffusers),
        }
    }
}

/// How far a conversion is, in bytes of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// The file that is being written, by its name in the folder; or the single file.
    pub file: &'a str,
    /// Bytes that are written.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Writes the model at `from`, a folder or a single file, to `to`, in the layout that [`to`'s name](Layout::of_name) asks
/// for.
///
/// Tensors are read, cast and written one by one: to `dtype`, or each in the precision it has. What is written fits its
/// networks exactly, by the names and shapes that its family is published with; a set of weights that was not asked for,
/// a safety checker, and tensors that nothing reads stay behind. `to` appears when it is complete. `watch` is asked after
/// each tensor whether to go on.
///
/// Returned is what had to be assumed, each a sentence that says how to choose otherwise.
///
/// # Errors
///
/// [`ModelError::Request`] where `to` is there already, and for a model that draws without a text; [`ModelError::Folder`] for a
/// model of which a single file cannot say what it is; [`ModelError::Cancelled`] where `watch` said so; and for anything that
/// cannot be read or written.
pub fn convert(
    from: &Path,
    to: &Path,
    dtype: Option<DType>,
    choices: &Choices,
    watch: &mut dyn FnMut(&Written<'_>) -> ControlFlow<()>,
) -> Result<Vec<String>, ModelError> {
    let layout = Layout::of_name(to)?;
    if to.symlink_metadata().is_ok() {
        let reason = format!("{}: is there already, and is not replaced: remove it, or name another", to.display());
        return Err(ModelError::request(Field::Output, reason));
    }
    let model = Model::open_with(from, choices)?;
    let (Kind::Text(parts), Some(family)) = (&model.kind, model.family()) else {
        let reason =
            format!("{}: it draws without a text, and only models that draw from one are converted", from.display());
        return Err(ModelError::request(Field::Model, reason));
    };
    let dtype = dtype.map(DType::float);
    match layout {
        Layout::Single => {
            let draft = single::draft(&model, parts, fitted(&model, parts, family)?, from)?;
            write(&[(to.to_path_buf(), to.display().to_string(), draft)], dtype, watch)?;
        }
        Layout::Diffusers => {
            if !parts.vae.config.encodes() {
                let reason = "its autoencoder has a decoder alone, and the diffusers layout needs an encoder: choose another \
                              with `vae`";
                return Err(ModelError::Folder { folder: from.to_path_buf(), reason: reason.into() });
            }
            let files = folder::files(&model, parts, from, choices)?;
            let drafts = fitted(&model, parts, family)?.apart();
            let io = |source| ModelError::Io { file: to.to_path_buf(), source };
            make_folder_atomically(to, io, |partial| {
                folder::write(partial, &files)?;
                let at =
                    |(name, draft): (&'static str, SafetensorsWriter)| (partial.join(name), name.to_string(), draft);
                let drafts: Vec<_> = drafts.into_iter().map(at).collect();
                drafts.iter().try_for_each(|(path, ..)| folder::create_parent(path))?;
                write(&drafts, dtype, watch)
            })?;
        }
    }
    Ok(model.notes)
}

/// The model's weights by the names and shapes of its networks, so that they are known to be complete.
fn fitted(model: &Model, parts: &TextToImage, family: Family) -> Result<SingleFile, ModelError> {
    // Modules are only asked for their parameters' names and shapes; nothing is initialised on this device.
    let device = Device::default();
    let text = parts.text.iter().map(|part| part.weights.fitted(&part.config.init(&device)));
    Ok(SingleFile {
        family,
        unet: model.unet_weights.fitted(&parts.unet_config.init(&device))?,
        vae: Some(match &parts.vae.config {
            VaeConfig::Kl(config) => parts.vae.weights.fitted(&config.init(&device))?,
            VaeConfig::Tiny(config) => parts.vae.weights.fitted(&config.init(&device))?,
        }),
        text: text.collect::<Result<_, _>>()?,
        prediction: match model.scheduler.prediction {
            Prediction::Eps => Some(Predicted::Epsilon),
            Prediction::V => Some(Predicted::V),
            _ => None,
        },
        zero_terminal_snr: false,
        global_step: None,
    })
}

/// Writes some files, each with its path and the name it is told by.
fn write(
    drafts: &[(PathBuf, String, SafetensorsWriter)],
    dtype: Option<FloatDType>,
    watch: &mut dyn FnMut(&Written<'_>) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    let total = drafts.iter().map(|(.., draft)| draft.bytes(dtype)).sum();
    let mut done = 0;
    for (path, file, draft) in drafts {
        let written = draft.write(path, dtype, &mut |bytes| {
            done += bytes;
            watch(&Written { file, done, total })
        });
        written.map_err(|error| match error {
            WeightsError::Stopped { .. } => {
                let megabytes = |bytes: u64| bytes.div_ceil(1_000_000) as usize;
                ModelError::Cancelled { written: megabytes(done), total: megabytes(total) }
            }
            other => other.into(),
        })?;
    }
    Ok(())
}
