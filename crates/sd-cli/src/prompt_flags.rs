use std::iter::once;
use std::path::PathBuf;
use std::str::FromStr;

use sd_prompt::{ExpandError, Styles, Template, Wildcards};

use crate::failure::Failure;

/// What is made of prompts: styles, wildcards and choices.
#[derive(clap::Args)]
pub struct PromptFlags {
    /// Style for the prompts, of a table like AUTOMATIC1111's styles.csv; may be repeated
    #[arg(long = "style", value_name = "FILE.csv:NAME")]
    styles: Vec<StyleName>,
    /// Folder of wildcards: __colour__ in a prompt is a line of DIR/colour.txt
    #[arg(long, value_name = "DIR")]
    wildcards: Option<PathBuf>,
}

/// The value of `--style`.
#[derive(Clone)]
struct StyleName {
    file: PathBuf,
    name: String,
}

impl FromStr for StyleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Paths and names may contain colons.
        let end = text.to_ascii_lowercase().find(".csv:").ok_or("expected FILE.csv:NAME")? + ".csv".len();
        Ok(Self { file: text[..end].into(), name: text[end + 1..].into() })
    }
}

/// Prompts in their styles, with choices. Choices in styles count too.
pub struct Prompts {
    prompt: Option<Template>,
    negative_prompt: Option<Template>,
    wildcards: Wildcards,
}

/// The texts of one image.
#[derive(Clone, PartialEq)]
pub struct Texts {
    pub prompt: Option<String>,
    pub negative_prompt: Option<String>,
}

impl PromptFlags {
    /// Puts prompts into their styles.
    pub fn styled(&self, prompt: Option<&str>, negative_prompt: Option<&str>) -> Result<Texts, Failure> {
        let mut texts = (prompt.map(String::from), negative_prompt.map(String::from));
        for StyleName { file, name } in &self.styles {
            let styles = Styles::read(file).map_err(|error| Failure::from(error).with_flag("--style"))?;
            let style = styles.get(name).map_err(|error| Failure::from(error).with_flag("--style"))?;
            let (prompt, negative_prompt) = style.apply(texts.0.as_deref().unwrap_or_default(), texts.1.as_deref());
            texts = (Some(prompt), negative_prompt);
        }
        Ok(Texts { prompt: texts.0, negative_prompt: texts.1 })
    }

    /// Puts prompts into their styles, and finds the wildcards.
    pub fn prompts(&self, prompt: Option<&str>, negative_prompt: Option<&str>) -> Result<Prompts, Failure> {
        let Texts { prompt, negative_prompt } = self.styled(prompt, negative_prompt)?;
        let wildcards = match &self.wildcards {
            Some(folder) => {
                Wildcards::in_folder(folder).map_err(|error| Failure::from(error).with_flag("--wildcards"))?
            }
            None => Wildcards::none(),
        };
        let template = |text: Option<String>| text.map(|text| Template::parse(&text));
        Ok(Prompts { prompt: template(prompt), negative_prompt: template(negative_prompt), wildcards })
    }
}

impl Prompts {
    /// Draws the texts of the image with this seed. Both texts have the same random numbers.
    pub fn draw(&self, seed: u64) -> Result<Texts, Failure> {
        let draw = |template: &Option<Template>| {
            template.as_ref().map(|template| template.draw(seed, &self.wildcards)).transpose()
        };
        Ok(Texts { prompt: draw(&self.prompt)?, negative_prompt: draw(&self.negative_prompt)? })
    }

    /// Lists the texts of all combinations, lazily; those of the negative prompt vary fastest.
    pub fn all(&self) -> impl Iterator<Item = Result<Texts, Failure>> {
        self.list(&self.prompt).flat_map(|prompt| -> Items<'_, Result<Texts, Failure>> {
            match prompt {
                Ok(prompt) => Box::new(self.list(&self.negative_prompt).map(move |negative_prompt| {
                    Ok(Texts { prompt: prompt.clone(), negative_prompt: negative_prompt? })
                })),
                Err(error) => Box::new(once(Err(error.into()))),
            }
        })
    }

    fn list<'a>(&'a self, template: &'a Option<Template>) -> Items<'a, Result<Option<String>, ExpandError>> {
        match template {
            Some(template) => Box::new(template.all(&self.wildcards).map(|text| text.map(Some))),
            None => Box::new(once(Ok(None))),
        }
    }
}

type Items<'a, T> = Box<dyn Iterator<Item = T> + 'a>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_a_file_and_a_name_which_may_have_colons() {
        for (text, file, name) in [
            ("styles.csv:Oil", "styles.csv", "Oil"),
            ("C:\\my styles.CSV:a: b.csv:c", "C:\\my styles.CSV", "a: b.csv:c"),
            ("s.csv:", "s.csv", ""),
        ] {
            let style: StyleName = text.parse().unwrap();
            assert_eq!((style.file, style.name.as_str()), (file.into(), name));
        }
        for text in ["", "Oil", "styles.csv", "styles.txt:Oil"] {
            assert!(text.parse::<StyleName>().is_err(), "{text}");
        }
    }

    #[test]
    fn without_flags_and_choices_prompts_are_unchanged() {
        let flags = PromptFlags { styles: Vec::new(), wildcards: None };
        for (prompt, negative_prompt) in [(None, None), (Some(" a (b:1.2) "), None), (Some(""), Some("[c|d]"))] {
            let prompts = flags.prompts(prompt, negative_prompt).unwrap();
            for texts in [prompts.draw(0).unwrap(), prompts.all().next().unwrap().unwrap()] {
                assert_eq!((texts.prompt.as_deref(), texts.negative_prompt.as_deref()), (prompt, negative_prompt));
            }
            assert_eq!(prompts.all().count(), 1);
        }
    }
}
