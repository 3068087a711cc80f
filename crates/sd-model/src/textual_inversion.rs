use std::sync::Arc;

use sd_clip::Tokenizer;
use sd_weights::TextualInversion;

use crate::model::{Kind, Model};
use crate::{Field, ModelError};

impl Model {
    /// Adds a word to the vocabulary, for use in prompts.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] if the vectors do not fit this model's text encoders or it has none, and
    /// [`ModelError::Tokenizer`] if the word exists already; the model is then unchanged.
    pub fn add_word(&mut self, inversion: &TextualInversion) -> Result<(), ModelError> {
        let file = inversion.file.display();
        let Kind::Text(parts) = &mut self.kind else {
            return Err(ModelError::request(Field::Embedding, format!("{file}: this model reads no text")));
        };
        let widths: Vec<usize> = parts.text.iter().map(|part| part.config.hidden_size).collect();
        let vectors = by_encoder(inversion, &widths)?;
        let mut tokenizers: Vec<_> = parts.text.iter().map(|part| Tokenizer::clone(&part.tokenizer)).collect();
        for ((tokenizer, part), (values, width)) in tokenizers.iter_mut().zip(&parts.text).zip(&vectors) {
            let first = part.config.vocab_size + part.added.len() / width;
            tokenizer.add(&inversion.word, (first..first + values.len() / width).map(|id| id as u32).collect())?;
        }
        for ((tokenizer, part), (values, _)) in tokenizers.into_iter().zip(&mut parts.text).zip(&vectors) {
            part.tokenizer = Arc::new(tokenizer);
            part.added.extend_from_slice(values);
        }
        Ok(())
    }
}

/// Assigns vectors to text encoders by their widths: the files of a word may come in any order.
fn by_encoder<'a>(inversion: &'a TextualInversion, widths: &[usize]) -> Result<Vec<&'a (Vec<f32>, usize)>, ModelError> {
    let mut left: Vec<&(Vec<f32>, usize)> = inversion.vectors.iter().collect();
    let mut take = |width: usize| Some(left.remove(left.iter().position(|(_, found)| *found == width)?));
    let found: Vec<_> = widths.iter().map(|width| take(*width)).collect();
    if let (Some(all), true) = (found.iter().copied().collect(), left.is_empty()) {
        return Ok(all);
    }
    let (file, word) = (inversion.file.display(), &inversion.word);
    let remedy = match left.is_empty() {
        true => format!("give the file for the other one too, with another `embedding` FILE:{word}"),
        false => "is it for a model of another family?".to_string(),
    };
    let found: Vec<usize> = inversion.vectors.iter().map(|(_, width)| *width).collect();
    Err(ModelError::request(
        Field::Embedding,
        format!("{file}: its vectors are {found:?} wide, but this model's text encoders are {widths:?}; {remedy}"),
    ))
}
