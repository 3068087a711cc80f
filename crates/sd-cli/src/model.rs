use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use sd_engine::{Job, NamedEmbedding, NamedLora};
use sd_pipeline::{Choices, Model, WeightSet};

use crate::builtin;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::progress::Progress;

/// The model, and changes to it before it is loaded.
#[derive(clap::Args)]
pub struct ModelFlags {
    /// Model: a folder, a single file, or a name on the Hugging Face hub [default: the built-in model]
    ///
    /// A name is owner/name, or owner/name/file for a single file; add @revision for a branch, tag or commit. Needed files are
    /// downloaded once, into the cache of Python's huggingface_hub. HF_HOME, HF_TOKEN and HF_HUB_OFFLINE work as they do there.
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<PathBuf>,
    #[command(flatten)]
    choices: ChoiceFlags,
    /// LoRA to merge into the weights, with its weight [default weight: 1]; may be repeated
    ///
    /// A file, or a folder that contains one. Supported are LoRA, LoCon, LoHa, LoKr, DoRA, GLoRA, IA3, OFT, BOFT and full
    /// differences, of the U-Net and the text encoders, as written by kohya's programs, LyCORIS, OneTrainer, PEFT and
    /// diffusers. Words bundled in the file can be used in prompts.
    #[arg(long, value_name = "PATH[:WEIGHT]")]
    lora: Vec<Weighted>,
    /// Textual inversion, with its word for prompts [default word: the file's own]; may be repeated
    ///
    /// Reads files of the original program, the web interface and diffusers: .pt, .bin, .pti or .safetensors. For XL, two files
    /// with the same word make one embedding for both text encoders.
    #[arg(long, value_name = "FILE[:WORD]")]
    embedding: Vec<Named>,
}

/// Properties of the model that its files lack, or that are to differ.
#[derive(clap::Args)]
pub struct ChoiceFlags {
    /// Prediction of the U-Net [default: from the model; v for single files of 2.x that do not say]
    #[arg(long, value_enum, value_name = "KIND")]
    prediction: Option<Predicts>,
    /// Use the moving average of the weights, if a single file has both
    #[arg(long)]
    ema: bool,
    /// Another autoencoder: a folder or a file; AutoencoderTiny (TAESD) decodes many times faster
    ///
    /// Needed for a single file without an autoencoder.
    #[arg(long, value_name = "PATH", alias = "tiny-vae")]
    vae: Option<PathBuf>,
}

impl ChoiceFlags {
    pub fn choices(&self) -> Choices {
        Choices {
            prediction: self.prediction.map(|predicts| predicts.predicts().into()),
            average: if self.ema { WeightSet::Ema } else { WeightSet::Last },
            vae: self.vae.clone(),
            unet: None,
        }
    }
}

/// A file, and the word after the last colon, unless that looks like part of a path.
#[derive(Debug, Clone, PartialEq)]
struct Named {
    file: PathBuf,
    word: Option<String>,
}

impl FromStr for Named {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let parts = text.rsplit_once(':').filter(|(file, word)| !file.is_empty() && !word.contains(['/', '\\', '.']));
        Ok(match parts {
            Some((file, word)) => Self { file: file.into(), word: Some(word.to_string()) },
            None => Self { file: text.into(), word: None },
        })
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Predicts {
    /// The noise
    Eps,
    /// The velocity
    V,
}

impl Predicts {
    fn predicts(self) -> sd_engine::Predicts {
        match self {
            Self::Eps => sd_engine::Predicts::Eps,
            Self::V => sd_engine::Predicts::V,
        }
    }
}

/// A file, and the number after the last colon, or 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    pub file: PathBuf,
    pub weight: f64,
}

impl FromStr for Weighted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // File names may contain colons, so only a number is a weight.
        let (file, weight) = match text.rsplit_once(':').map(|(file, weight)| (file, weight.parse())) {
            Some((file, Ok(weight))) => (file, weight),
            _ => (text, 1.0),
        };
        if !f64::is_finite(weight) {
            return Err(format!("the weight is {weight}, expected a number such as 0.8"));
        }
        Ok(Self { file: file.into(), weight })
    }
}

impl ModelFlags {
    /// Adds the model and its files to a job, downloading the model if needed.
    pub fn add_to(&self, job: &mut Job, progress: &mut Progress, cancel: &Cancel) -> Result<(), Failure> {
        job.model = self.model.as_ref().map(|path| locate_name("--model", path, progress, cancel)).transpose()?;
        let ChoiceFlags { prediction, ema, vae } = &self.choices;
        job.prediction = prediction.map(Predicts::predicts);
        job.ema = *ema;
        job.vae = vae.as_ref().map(|path| name("--vae", path)).transpose()?;
        for Weighted { file, weight } in &self.lora {
            job.loras.push(NamedLora { name: name("--lora", file)?, weight: *weight });
        }
        for Named { file, word } in &self.embedding {
            job.embeddings.push(NamedEmbedding { name: name("--embedding", file)?, word: word.clone() });
        }
        Ok(())
    }

    /// The name of the model for messages.
    pub fn name(&self) -> String {
        builtin::name(self.model.as_deref())
    }

    /// The path of the model, if one is named.
    pub fn path(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// Whether no model is named.
    pub fn is_builtin(&self) -> bool {
        self.model.is_none()
    }
}

/// A path as the name of a file in a job.
pub fn name(flag: &str, path: &Path) -> Result<String, Failure> {
    let text = path.to_str().map(str::to_string);
    text.ok_or_else(|| Failure::usage(format!("{flag} {}: the path is not UTF-8: rename it", path.display())))
}

/// Finds a model or a network as [`locate`] does, for a job.
pub fn locate_name(flag: &str, path: &Path, progress: &mut Progress, cancel: &Cancel) -> Result<String, Failure> {
    name(flag, &locate(flag, path, progress, cancel)?)
}

/// Opens a model, downloading it if needed, or else the built-in one.
pub fn open_or_builtin(
    path: Option<&Path>,
    choices: &Choices,
    progress: &mut Progress,
    cancel: &Cancel,
) -> Result<Model, Failure> {
    match path {
        Some(path) => Ok(builtin::open(Some(&locate("--model", path, progress, cancel)?), choices)?),
        None => Ok(builtin::open(None, choices)?),
    }
}

/// Finds a model or a network that `flag` names, at a path or, with the feature `hub`, by its name on the hub.
pub fn locate(flag: &str, path: &Path, progress: &mut Progress, cancel: &Cancel) -> Result<PathBuf, Failure> {
    #[cfg(feature = "hub")]
    return crate::hub::locate(flag, path, progress, cancel);
    #[cfg(not(feature = "hub"))]
    {
        let _ = (progress, cancel);
        crate::missing::check_is_path(flag, path)?;
        Ok(path.to_path_buf())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_after_the_last_colon() {
        let parse = |text: &str| text.parse::<Weighted>().map(|w| (w.file.display().to_string(), w.weight));
        assert_eq!(parse("a.safetensors"), Ok(("a.safetensors".into(), 1.0)));
        assert_eq!(parse("a.safetensors:-0.5"), Ok(("a.safetensors".into(), -0.5)));
        assert_eq!(parse("C:\\a:b.pt"), Ok(("C:\\a:b.pt".into(), 1.0)));
        assert_eq!(parse("C:\\a.pt:2"), Ok(("C:\\a.pt".into(), 2.0)));
        assert!(parse("a:nan").is_err());
    }

    #[test]
    fn a_word_comes_after_the_last_colon_unless_it_is_part_of_a_path() {
        let parse = |text: &str| text.parse::<Named>().map(|n| (n.file.display().to_string(), n.word));
        assert_eq!(parse("cat.pt"), Ok(("cat.pt".into(), None)));
        assert_eq!(parse("cat.pt:<my cat>"), Ok(("cat.pt".into(), Some("<my cat>".into()))));
        assert_eq!(parse("C:\\cat.pt"), Ok(("C:\\cat.pt".into(), None)));
        assert_eq!(parse("C:cat.pt"), Ok(("C:cat.pt".into(), None)));
    }
}
