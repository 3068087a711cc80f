//! Files that the texts of a job name.

use sd_pipeline::{Prompt, Syntax, Text};

use super::Job;
use crate::library::{Kind, Library};
use crate::{EngineError, NamedLora};

/// The LoRAs that a prompt names.
#[derive(Debug, Default)]
pub struct PromptLoras {
    /// Each once, with the sum of its weights.
    pub loras: Vec<NamedLora>,
    pub warnings: Vec<String>,
}

impl PromptLoras {
    pub fn of(job: &Job) -> Self {
        let Some(prompt) = &job.request.prompt else { return Self::default() };
        let prompt = Prompt::parse(prompt, job.request.prompt_syntax);
        let mut found = Self::default();
        for tag in &prompt.ignored {
            found.warnings.push(format!("`prompt`: {tag} is no LoRA with a weight; it is ignored"));
        }
        for tag in &prompt.loras {
            if tag.text_encoder_weight != tag.unet_weight {
                found.warnings.push(format!(
                    "<lora:{}>: different weights for the text encoder and the U-Net are not supported; both get {}",
                    tag.name, tag.unet_weight
                ));
            }
            match found.loras.iter_mut().find(|lora| lora.name == tag.name) {
                Some(lora) => lora.weight += tag.unet_weight,
                None => found.loras.push(NamedLora { name: tag.name.clone(), weight: tag.unet_weight }),
            }
        }
        found
    }
}

/// The names of the textual inversions that a job's texts mention: those after `embedding:`, and in AUTOMATIC1111's syntax those of
/// the library's files that are words of a text.
pub fn mentioned_embeddings(job: &Job, library: &Library) -> Result<Vec<String>, EngineError> {
    let request = &job.request;
    // Without a folder, names after `embedding:` are words of the job's own files.
    if request.prompt_syntax == Syntax::Plain || !library.has_folder(Kind::Embedding) {
        return Ok(Vec::new());
    }
    let texts = [&request.prompt, &request.negative_prompt].into_iter().flatten();
    let texts = texts.chain(request.regions.iter().map(|region| &region.prompt));
    let known: Vec<String> = library.list(Kind::Embedding)?.into_iter().map(|entry| entry.name).collect();
    let mut names: Vec<String> = Vec::new();
    for text in texts {
        let named = Text::parse(text, request.prompt_syntax);
        let words = known.iter().filter(|name| request.prompt_syntax == Syntax::A1111 && is_word(name, text));
        for name in named.embeddings().into_iter().chain(words.map(String::as_str)) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_string());
            }
        }
    }
    Ok(names)
}

/// Whether a name is a word of a text, in any capitals.
fn is_word(name: &str, text: &str) -> bool {
    let is_edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    text.match_indices(&name)
        .any(|(at, _)| is_edge(text[..at].chars().next_back()) && is_edge(text[at + name.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use sd_pipeline::Request;

    use super::*;
    use crate::LibraryFolders;

    #[test]
    fn names_are_words_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["easy.pt", "bad-hand.pt"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let folders = LibraryFolders { embeddings: Some(folder.path().into()), ..LibraryFolders::default() };
        let library = Library::new(folders).unwrap();
        let found = |prompt: &str, prompt_syntax| {
            let job = Job::new(Request { prompt_syntax, ..Request::new(prompt) });
            mentioned_embeddings(&job, &library).unwrap().len()
        };
        assert_eq!(found("an uneasy cat", Syntax::A1111), 0);
        assert_eq!(found("(Easy:1.2), bad-hand", Syntax::A1111), 2);
        assert_eq!(found("easy, embedding:bad-hand", Syntax::Comfy), 1);
        assert_eq!(found("easy", Syntax::Plain), 0);
    }

    #[test]
    fn weights_of_a_lora_that_is_named_twice_are_added() {
        let loras = PromptLoras::of(&Job::new(Request::new("<lora:ink:0.25> a cat <lora:ink:0.5><lora:pen:1>"))).loras;
        let expected = [("ink", 0.75), ("pen", 1.0)].map(|(name, weight)| NamedLora { name: name.into(), weight });
        assert_eq!(loras, expected);
    }
}
