use std::sync::Arc;

use sd_clip::Tokenizer;

use super::text_to_latents::token_ids;
use crate::captions::shuffled_tags;
use crate::random::{Purpose, Stream};

/// Where the captions of draws come from, as token ids of one length.
#[derive(Debug, Clone)]
pub(super) enum CaptionSource {
    /// One for each image.
    Fixed(Vec<Vec<u32>>),
    /// Those of the images, with their tags in a new order at each draw.
    Shuffled(Arc<Shuffled>),
    /// One of these at random, whatever the image.
    Templates(Vec<Vec<u32>>),
}

/// Captions whose tags are shuffled.
#[derive(Debug)]
pub(super) struct Shuffled {
    pub texts: Vec<String>,
    /// The number of tags that stay in front.
    pub kept: usize,
    /// Those of the text encoders.
    pub tokenizers: Vec<Tokenizer>,
}

impl CaptionSource {
    /// Returns the caption of a draw, which shows the image number `image`.
    pub fn caption(&self, seed: u64, draw: u64, image: usize) -> Vec<u32> {
        match self {
            Self::Fixed(captions) => captions[image].clone(),
            Self::Shuffled(shuffled) => {
                let text = shuffled_tags(&shuffled.texts[image], shuffled.kept, seed, draw);
                token_ids(&shuffled.tokenizers, &text)
            }
            Self::Templates(captions) => {
                captions[Stream::new(seed, Purpose::Template, draw).below(captions.len())].clone()
            }
        }
    }

    /// Returns all captions, if there are no more than images or templates.
    pub fn all(&self) -> Option<&[Vec<u32>]> {
        match self {
            Self::Fixed(captions) | Self::Templates(captions) => Some(captions),
            Self::Shuffled(_) => None,
        }
    }
}
