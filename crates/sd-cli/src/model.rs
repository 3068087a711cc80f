use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use sd_pipeline::{Choices, Error, Lora, Model, Prediction, TextualInversion, WeightSet};

use crate::builtin;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::progress::Progress;

/// Which model is meant, and what is changed of it before it is loaded.
#[derive(clap::Args)]
pub struct ModelFlags {
    /// Folder of the model, or its single file, or its name on the Hugging Face hub [default: the built-in model]
    ///
    /// A name is owner/name, or owner/name/file for a single file, with @revision for a branch, tag or commit. What is needed of
    /// it is downloaded into the cache that Python's programs share; HF_HOME, HF_TOKEN and HF_HUB_OFFLINE mean what they mean
    /// there.
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<PathBuf>,
    #[command(flatten)]
    choices: ChoiceFlags,
    /// LoRA to merge into the weights, and how strongly [default weight: 1]; may be repeated
    ///
    /// A file, or a folder with one in it. Those of kohya's programs, LyCORIS, OneTrainer, PEFT and diffusers are read: LoRA,
    /// LoCon, LoHa, LoKr, DoRA, GLoRA, IA3, OFT, BOFT and whole differences, of the U-Net and the text encoders. Words that
    /// are bundled in it can be used in prompts.
    #[arg(long, value_name = "PATH[:WEIGHT]")]
    lora: Vec<Weighted>,
    /// Textual inversion to read, and the word that it is in prompts [default word: the file's own]; may be repeated
    ///
    /// Files of the original program, the web interface and diffusers are read, .pt, .bin, .pti or .safetensors. Two files
    /// of one word, as XL's may be, are one embedding for both text encoders.
    #[arg(long, value_name = "FILE[:WORD]")]
    embedding: Vec<Named>,
}

/// What a model's files do not say, or what is wanted otherwise.
#[derive(clap::Args)]
pub struct ChoiceFlags {
    /// What the U-Net predicts [default: what the model says; for single files of 2.x that say nothing: v]
    #[arg(long, value_enum, value_name = "KIND")]
    prediction: Option<Predicts>,
    /// Take the moving average of the weights from a single file that has both
    #[arg(long)]
    ema: bool,
    /// Other autoencoder: a folder or a file; also AutoencoderTiny (TAESD), which decodes many times as fast
    ///
    /// A single file without an autoencoder needs one.
    #[arg(long, value_name = "PATH", alias = "tiny-vae")]
    vae: Option<PathBuf>,
}

impl ChoiceFlags {
    pub fn choices(&self) -> Choices {
        Choices {
            prediction: self.prediction.map(|predicts| match predicts {
                Predicts::Eps => Prediction::Eps,
                Predicts::V => Prediction::V,
            }),
            average: if self.ema { WeightSet::Ema } else { WeightSet::Last },
            vae: self.vae.clone(),
        }
    }
}

/// A file, and what is behind a colon that has no part of a path behind it.
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

/// A file, and a number that is 1 if there is none behind a colon.
#[derive(Debug, Clone, PartialEq)]
struct Weighted {
    file: PathBuf,
    weight: f64,
}

impl FromStr for Weighted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Only what is a number belongs to the weight: names of files have colons too.
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
    /// Opens the model, after it was downloaded if it is one of the hub's; with what a person calls it.
    pub fn open(&self, progress: &mut Progress, cancel: &Cancel) -> Result<(String, Model), Failure> {
        #[cfg(feature = "hub")]
        let found = self.model.as_deref().map(|model| crate::hub::located(model, progress, cancel)).transpose()?;
        #[cfg(not(feature = "hub"))]
        let (found, _) = (self.model.clone(), (progress, cancel));
        let model = builtin::open(found.as_deref(), &self.choices.choices())?;
        Ok((builtin::name(self.model.as_deref()), model))
    }

    /// Whether none was named.
    pub fn is_builtin(&self) -> bool {
        self.model.is_none()
    }

    /// Adds what the flags name to `model`, and says of each what fitted.
    pub fn add(&self, model: &mut Model, progress: &Progress) -> Result<(), Error> {
        for Weighted { file, weight } in &self.lora {
            let report = model.merge(&Lora::open(file, *weight)?)?;
            let (name, all) = (file.display(), report.matched + report.unmatched.len());
            if report.unmatched.is_empty() {
                progress.note(&format!("{name}: all {all} modules merged"));
            } else {
                let some = report.unmatched.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if report.unmatched.len() > 5 { ", …" } else { "" };
                let matched = report.matched;
                progress.warn(&format!("{name}: only {matched} of {all} modules are in the model, not {some}{more}"));
            }
            for word in &report.words {
                progress.note(&format!("{name}: it brings the word {word:?} for prompts"));
            }
        }
        let mut inversions = Vec::new();
        for Named { file, word } in &self.embedding {
            let mut inversion = TextualInversion::open(file)?;
            inversion.word = word.clone().unwrap_or(inversion.word);
            if !inversion.unread.is_empty() {
                let unread = inversion.unread.join(", ");
                progress.warn(&format!(
                    "{}: it also has {unread}, which is no vector of its word: not read",
                    file.display()
                ));
            }
            progress.note(&format!("{}: it is the word {:?} in prompts", file.display(), inversion.word));
            inversions.push(inversion);
        }
        TextualInversion::joined(inversions).iter().try_for_each(|inversion| model.add_word(inversion))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_behind_the_last_colon() {
        let of = |text: &str| text.parse::<Weighted>().map(|w| (w.file.display().to_string(), w.weight));
        assert_eq!(of("a.safetensors"), Ok(("a.safetensors".into(), 1.0)));
        assert_eq!(of("a.safetensors:-0.5"), Ok(("a.safetensors".into(), -0.5)));
        assert_eq!(of("C:\\a:b.pt"), Ok(("C:\\a:b.pt".into(), 1.0)));
        assert_eq!(of("C:\\a.pt:2"), Ok(("C:\\a.pt".into(), 2.0)));
        assert!(of("a:nan").is_err());
    }

    #[test]
    fn a_word_is_behind_the_last_colon_unless_that_is_part_of_a_path() {
        let of = |text: &str| text.parse::<Named>().map(|n| (n.file.display().to_string(), n.word));
        assert_eq!(of("cat.pt"), Ok(("cat.pt".into(), None)));
        assert_eq!(of("cat.pt:<my cat>"), Ok(("cat.pt".into(), Some("<my cat>".into()))));
        assert_eq!(of("C:\\cat.pt"), Ok(("C:\\cat.pt".into(), None)));
        assert_eq!(of("C:cat.pt"), Ok(("C:cat.pt".into(), None)));
    }
}
