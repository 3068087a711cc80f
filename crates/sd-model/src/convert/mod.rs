//! Converts a model to another layout or precision, without ever holding all its weights in memory.

mod control;
mod folder;
mod single;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use sd_schedule::Prediction;
use sd_weights::single_file::{Family, Predicted, SingleFile};
use sd_weights::{Form, WeightsError, WeightsWriter, make_folder_atomically};

use crate::model::Kind;
use crate::text_to_image::TextToImage;
use crate::vae::VaeConfig;
use crate::{Choices, FewSteps, Field, Model, ModelError};

/// Layout of a model's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A folder with `model_index.json` and a subfolder for each part.
    Diffusers,
    /// One file with all parts, with the tensor names of the original programs.
    Single,
}

impl Layout {
    /// Returns the layout that a name means: `.safetensors` and `.gguf` a single file, any other a folder.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] for the name of a PyTorch file: these are not written.
    pub fn of_name(path: &Path) -> Result<Self, ModelError> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("safetensors" | "gguf") => Ok(Self::Single),
            Some(torch @ ("ckpt" | "pt" | "pth" | "bin")) => {
                let reason = format!("{}: .{torch} is not written: name it .safetensors", path.display());
                Err(ModelError::request(Field::Output, reason))
            }
            _ => Ok(Self::Diffusers),
        }
    }
}

/// Progress of a conversion, in bytes of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// The file that is being written: its path in the folder, or the single file.
    pub file: &'a str,
    /// Bytes written so far.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Writes the model at `from`, a folder or a single file, to `to`, in the layout that [`to`'s name](Layout::of_name) means.
///
/// Tensors are read, brought into `form` and written one by one. A single file is GGUF if its name ends in `.gguf`, which
/// quantized blocks need, and else safetensors. In a folder, files with blocks are GGUF.
///
/// The result has exactly the tensors of its networks, with the names and shapes of its family's published models. The other
/// set of weights, a safety checker, and tensors that nothing reads are left out. A name that says that the model was made for few steps
/// becomes the title in its metadata, so that it is recognised under any name. `to` appears only when it is complete. `watch` is called
/// after each tensor and can stop the conversion.
///
/// Returns the assumptions about the model, each a sentence that says how to choose otherwise.
///
/// # Errors
///
/// [`ModelError::Request`] if `to` already exists, for blocks in a safetensors file, or for a model that reads no text;
/// [`ModelError::Folder`] for a model that a single file cannot describe; [`ModelError::Cancelled`] if `watch` stops the conversion; and any error of reading
/// or writing.
pub fn convert(
    from: &Path,
    to: &Path,
    form: Form,
    choices: &Choices,
    watch: &mut dyn FnMut(&Written<'_>) -> ControlFlow<()>,
) -> Result<Vec<String>, ModelError> {
    let layout = Layout::of_name(to)?;
    check_free(to)?;
    check_form(to, form, layout)?;
    let model = Model::open_with(from, choices)?;
    let (Kind::Text(parts), Some(family)) = (&model.kind, model.family()) else {
        let reason =
            format!("{}: this model reads no text, and only text-to-image models are converted", from.display());
        return Err(ModelError::request(Field::Model, reason));
    };
    let paths: Vec<&Path> = choices.unet.as_deref().into_iter().chain([from]).collect();
    let name = FewSteps::name_of_model(&paths, model.unet_weights.metadata());
    let titled = |draft: WeightsWriter| match &name {
        Some(name) => draft.titled(name),
        None => draft,
    };
    match layout {
        Layout::Single => {
            let draft = titled(single::draft(&model, parts, fitted(&model, parts, family)?, from)?);
            write(&[(to.to_path_buf(), to.display().to_string(), draft)], form, watch)?;
        }
        Layout::Diffusers => {
            if !parts.vae.config.encodes() {
                let reason = "its autoencoder has only a decoder, and the diffusers layout needs an encoder: choose another \
                              with `vae`";
                return Err(ModelError::Folder { folder: from.to_path_buf(), reason: reason.into() });
            }
            let files = folder::files(&model, parts, from, choices)?;
            let drafts = fitted(&model, parts, family)?.apart();
            let io = |source| ModelError::Io { file: to.to_path_buf(), source };
            make_folder_atomically(to, io, |partial| {
                folder::write(partial, &files)?;
                let located = |(name, draft): (&'static str, WeightsWriter)| {
                    let draft = if name.starts_with("unet/") { titled(draft) } else { draft };
                    let name = folder::weights_name(name, form);
                    (partial.join(&name), name, draft)
                };
                let drafts: Vec<_> = drafts.into_iter().map(located).collect();
                drafts.iter().try_for_each(|(path, ..)| folder::create_parent(path))?;
                write(&drafts, form, watch)
            })?;
        }
    }
    Ok(model.notes)
}

/// Refuses to replace what is at a path.
fn check_free(to: &Path) -> Result<(), ModelError> {
    if to.symlink_metadata().is_ok() {
        let reason = format!("{}: already exists, and is not replaced: remove it, or name another", to.display());
        return Err(ModelError::request(Field::Output, reason));
    }
    Ok(())
}

/// Refuses blocks in a single file that cannot hold them.
fn check_form(to: &Path, form: Form, layout: Layout) -> Result<(), ModelError> {
    let is_gguf = to.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    match form {
        Form::Blocks { kind, .. } if layout == Layout::Single && !is_gguf => {
            let reason = format!("{}: {kind} blocks need a GGUF file: name it NAME.gguf, or a folder", to.display());
            Err(ModelError::request(Field::Output, reason))
        }
        _ => Ok(()),
    }
}

/// Returns the model's weights, checked to be complete, with the names and shapes of its networks.
fn fitted(model: &Model, parts: &TextToImage, family: Family) -> Result<SingleFile, ModelError> {
    // Only the parameters' names and shapes are read; nothing is initialised on this device.
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
        prediction: match model.scheduler.prediction() {
            Prediction::Eps => Some(Predicted::Epsilon),
            Prediction::V => Some(Predicted::V),
            _ => None,
        },
        zero_terminal_snr: false,
        global_step: None,
    })
}

/// Returns the form of the weights in a file: that of a folder's autoencoder is its own where others are in blocks.
fn form_in(path: &Path, form: Form) -> Form {
    let is_safetensors = path.extension().is_some_and(|extension| extension == "safetensors");
    if is_safetensors && matches!(form, Form::Blocks { .. }) { Form::Own } else { form }
}

/// Writes files, each given by its path, its name in progress reports, and its writer.
fn write(
    drafts: &[(PathBuf, String, WeightsWriter)],
    form: Form,
    watch: &mut dyn FnMut(&Written<'_>) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    let total = drafts.iter().map(|(path, _, draft)| draft.bytes(path, form_in(path, form))).sum();
    let mut done = 0;
    for (path, file, draft) in drafts {
        let form = form_in(path, form);
        let written = draft.write(path, form, &mut |bytes| {
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
