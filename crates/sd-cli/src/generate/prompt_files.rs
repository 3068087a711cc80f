//! LoRAs and textual inversions that prompts name.

use std::path::PathBuf;

use sd_pipeline::{Error, Lora, Model, Pipeline, Prompt, Syntax, Text, TextualInversion};

use super::named_files::NamedFiles;
use crate::failure::Failure;
use crate::model::{add_words, merge};
use crate::progress::Progress;

/// The folders of files that prompts name.
#[derive(clap::Args)]
pub struct FolderFlags {
    /// Folder of the LoRAs that prompts name with <lora:NAME:WEIGHT>
    #[arg(long, value_name = "DIR", env = "LORA_DIR", help_heading = "Prompts")]
    lora_dir: Option<PathBuf>,
    /// Folder of textual inversions: their names are words in prompts, and embedding:NAME too
    #[arg(long, value_name = "DIR", help_heading = "Prompts")]
    embedding_dir: Option<PathBuf>,
}

/// The LoRAs that the prompts of some images name.
#[derive(Debug, Default)]
pub struct PromptLoras {
    /// How many were merged before.
    first: usize,
    /// For each image, the scale of each LoRA.
    scales: Vec<Vec<f64>>,
    /// The scales that the pipeline has.
    current: Vec<f64>,
}

impl FolderFlags {
    /// Merges the LoRAs that any of the prompts names; they have the scales of the first image until [`PromptLoras::set`].
    pub fn add_loras(
        &self,
        prompts: &[&str],
        syntax: Syntax,
        model: &mut Model,
        progress: &Progress,
    ) -> Result<PromptLoras, Failure> {
        let prompts: Vec<Prompt> = prompts.iter().map(|prompt| Prompt::parse(prompt, syntax)).collect();
        let mut ignored: Vec<&String> = prompts.iter().flat_map(|prompt| &prompt.ignored).collect();
        ignored.dedup();
        for tag in ignored {
            progress.warn(&format!("--prompt: {tag} is no LoRA with a weight; it is ignored"));
        }
        let mut names: Vec<&str> = Vec::new();
        for tag in prompts.iter().flat_map(|prompt| &prompt.loras) {
            if tag.text_encoder_weight != tag.unet_weight {
                progress.warn(&format!(
                    "<lora:{}>: different weights for the text encoder and the U-Net are not supported; both get {}",
                    tag.name, tag.unet_weight
                ));
            }
            if !names.contains(&tag.name.as_str()) {
                names.push(&tag.name);
            }
        }
        let scale = |prompt: &Prompt, name: &str| -> f64 {
            prompt.loras.iter().filter(|tag| tag.name == name).map(|tag| tag.unet_weight).sum()
        };
        let scales: Vec<Vec<f64>> =
            prompts.iter().map(|prompt| names.iter().map(|name| scale(prompt, name)).collect()).collect();
        let current = scales.first().cloned().unwrap_or_default();
        let first = model.loras();
        if names.is_empty() {
            return Ok(PromptLoras { first, scales, current });
        }
        let Some(folder) = &self.lora_dir else {
            let name = names[0];
            return Err(Failure::usage(format!("the prompt names the LoRA {name:?}: give its folder with --lora-dir")));
        };
        let files = NamedFiles::list("--lora-dir", folder)?;
        for (name, scale) in names.iter().zip(&current) {
            let file = files.find("LoRA", name)?;
            merge(model, Lora::open(file, *scale).map_err(Error::from)?, &file.display().to_string(), progress)?;
        }
        Ok(PromptLoras { first, scales, current })
    }

    /// Adds the textual inversions that any of the prompts mentions to the model's words.
    pub fn add_embeddings(
        &self,
        prompts: &[&str],
        syntax: Syntax,
        model: &mut Model,
        progress: &Progress,
    ) -> Result<(), Failure> {
        // Without a folder, names after `embedding:` are words of --embedding.
        let Some(folder) = &self.embedding_dir else { return Ok(()) };
        let files = NamedFiles::list("--embedding-dir", folder)?;
        let mut names: Vec<String> = Vec::new();
        for name in prompts.iter().flat_map(|prompt| mentioned(prompt, syntax, &files)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut inversions = Vec::new();
        for name in &names {
            let mut inversion = TextualInversion::open(files.find("textual inversion", name)?).map_err(Error::from)?;
            inversion.word.clone_from(name);
            inversions.push(inversion);
        }
        add_words(model, inversions, progress)?;
        Ok(())
    }
}

/// The names of textual inversions in a prompt: those after `embedding:`, and in a1111's syntax those of files that are words of it.
fn mentioned(prompt: &str, syntax: Syntax, files: &NamedFiles) -> Vec<String> {
    if syntax == Syntax::Plain {
        return Vec::new();
    }
    let is_edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let is_word = |name: &&str| {
        let (text, name) = (prompt.to_lowercase(), name.to_lowercase());
        text.match_indices(&name)
            .any(|(at, _)| is_edge(text[..at].chars().next_back()) && is_edge(text[at + name.len()..].chars().next()))
    };
    let named = Text::parse(prompt, syntax);
    let words = files.names().filter(|name| syntax == Syntax::A1111 && is_word(name));
    named.embeddings().into_iter().chain(words).map(str::to_owned).collect()
}

impl PromptLoras {
    /// Gives the pipeline the scales of an image; reads only weights that change.
    pub fn set(&mut self, image: usize, pipeline: &mut Pipeline) -> Result<(), Error> {
        // Models that read no text have no prompts.
        let Some(wanted) = self.scales.get(image) else { return Ok(()) };
        for (index, scale) in wanted.iter().enumerate() {
            if self.current[index] != *scale {
                pipeline.set_lora_scale(self.first + index, *scale)?;
            }
        }
        self.current.clone_from(wanted);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["easy.pt", "bad-hand.pt"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let files = NamedFiles::list("--embedding-dir", folder.path()).unwrap();
        let found = |prompt: &str, syntax| mentioned(prompt, syntax, &files).len();
        assert_eq!(found("an uneasy cat", Syntax::A1111), 0);
        assert_eq!(found("(Easy:1.2), bad-hand", Syntax::A1111), 2);
        assert_eq!(found("easy, embedding:bad-hand", Syntax::Comfy), 1);
        assert_eq!(found("easy", Syntax::Plain), 0);
    }
}
