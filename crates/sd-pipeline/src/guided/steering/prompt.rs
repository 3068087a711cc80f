use burn::tensor::{Device, Tensor};
use sd_model::{Components, Model};
use sd_unet::{ImageAttention, KeysValues};

use crate::control::{ImagePrompt, Window};
use crate::guided::image_masks::masks;
use crate::guided::texts::Slot;
use crate::{Error, Field};

/// Images as the cross-attention reads them.
pub struct Prompt {
    pub positive: ImageAttention,
    pub negative: ImageAttention,
    pub window: Window,
}

impl Prompt {
    /// Encodes the images of a prompt.
    pub fn new(
        prompt: &ImagePrompt,
        model: &Model,
        components: &Components,
        [_, _, height, width]: [usize; 4],
        device: &Device,
    ) -> Result<Self, Error> {
        let Some(adapter) = components.image_adapters.get(prompt.adapter) else {
            return Err(Error::request(Field::ImagePrompt, "names an adapter that is not among the loaded components"));
        };
        let layers = model.attention_layers();
        let masks = prompt.mask.as_ref().map_or_else(Vec::new, |mask| masks(mask, [height, width], device));
        let tokens = adapter.prompt(&prompt.images);
        let attention = |tokens: Vec<(Tensor<3>, Tensor<3>)>| {
            let layers = tokens.into_iter().zip(&layers).map(|((keys, values), layer)| {
                let scale = prompt.scale * prompt.layers.share(layer, model.is_xl());
                (scale != 0.0).then(|| KeysValues { keys, values: values * scale })
            });
            ImageAttention { layers: layers.collect(), masks: masks.clone() }
        };
        Ok(Self { positive: attention(tokens.positive), negative: attention(tokens.negative), window: prompt.window() })
    }

    /// Keys and values for the rows of a call.
    pub fn rows(&self, slots: &[Slot]) -> ImageAttention {
        let layers = self.positive.layers.iter().zip(&self.negative.layers);
        let layers = layers.map(|(positive, negative)| {
            let (positive, negative) = (positive.as_ref()?, negative.as_ref()?);
            let of = |slot: &Slot| if slot.is_negative() { negative } else { positive };
            let rows = |part: fn(&KeysValues) -> &Tensor<3>| {
                Tensor::cat(slots.iter().map(|slot| part(of(slot)).clone()).collect(), 0)
            };
            Some(KeysValues { keys: rows(|layer| &layer.keys), values: rows(|layer| &layer.values) })
        });
        ImageAttention { layers: layers.collect(), masks: self.positive.masks.clone() }
    }
}
