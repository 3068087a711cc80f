use std::cell::{Cell, RefCell};

use burn::prelude::*;

use crate::CrossAttention;

/// An image that the cross-attention reads beside the text (IP-Adapter: Ye et al. 2023,
/// [arXiv:2308.06721](https://arxiv.org/abs/2308.06721), equation 5).
///
/// The attention of each layer is a sum: that to the text, and that to each image. An image's keys and values do not depend on the noisy
/// image, so they are computed once for a drawing.
#[derive(Debug, Clone)]
pub struct ImageAttention {
    /// One for each layer of cross-attention, in the order of [`attention_layers`](crate::UnetConfig::attention_layers); none for
    /// layers that do not see the image.
    pub layers: Vec<Option<KeysValues>>,
    /// Where the image counts: one tensor for each level, the finest first, `[1, height·width, 1]` with values from 0 to 1. Empty
    /// for everywhere.
    pub masks: Vec<Tensor<3>>,
}

/// Keys and values of one layer: `[batch, tokens, channels]` each, with the layer's channels.
#[derive(Debug, Clone)]
pub struct KeysValues {
    /// What the queries are compared with.
    pub keys: Tensor<3>,
    /// What is added, times the image's weight.
    pub values: Tensor<3>,
}

/// What cross-attention reads, and the layer that is next.
pub(crate) struct Context {
    /// The text, `[batch, tokens, cross_attention_dim]`.
    text: Tensor<3>,
    images: Vec<ImageAttention>,
    next: Cell<usize>,
    recall: CrossAttention,
    kept: RefCell<Vec<Tensor<3>>>,
}

/// What one layer reads of one image.
pub(crate) struct ImageTokens<'a> {
    pub keys: &'a Tensor<3>,
    pub values: &'a Tensor<3>,
    pub mask: Option<&'a Tensor<3>>,
}

impl ImageAttention {
    fn tokens(&self, layer: usize, pixels: usize) -> Option<ImageTokens<'_>> {
        let found = self.layers.len();
        assert!(layer < found, "keys and values for {found} layers of cross-attention, but there are more");
        let KeysValues { keys, values } = self.layers[layer].as_ref()?;
        let mask = self.masks.iter().find(|mask| mask.dims()[1] == pixels);
        assert!(mask.is_some() || self.masks.is_empty(), "no mask for a feature map of {pixels} pixels");
        Some(ImageTokens { keys, values, mask })
    }
}

impl Context {
    /// What every layer computes.
    pub fn new(text: Tensor<3>, images: &[ImageAttention]) -> Self {
        Self::recalling(text, images, CrossAttention::Compute)
    }

    /// With outputs that are taken or kept.
    pub fn recalling(text: Tensor<3>, images: &[ImageAttention], recall: CrossAttention) -> Self {
        Self { text, images: images.to_vec(), next: Cell::new(0), recall, kept: RefCell::default() }
    }

    /// Leaves out the layers before this one.
    pub fn skip_to(&self, layer: usize) {
        self.next.set(layer);
    }

    /// The output of the next layer of cross-attention, for a feature map with so many pixels: what `attend` makes of the text and the
    /// images, or what an earlier call made.
    ///
    /// # Panics
    ///
    /// Panics if an image has too few layers, or masks but none of this size, or if too few outputs are taken.
    pub fn attended(&self, pixels: usize, attend: impl FnOnce(Tensor<3>, &[ImageTokens]) -> Tensor<3>) -> Tensor<3> {
        let layer = self.next.replace(self.next.get() + 1);
        if let CrossAttention::Take(outputs) = &self.recall {
            let found = outputs.len();
            assert!(layer < found, "outputs of {found} layers of cross-attention, but there are more");
            return outputs[layer].clone();
        }
        let images: Vec<_> = self.images.iter().filter_map(|image| image.tokens(layer, pixels)).collect();
        let output = attend(self.text.clone(), &images);
        if matches!(self.recall, CrossAttention::Keep) {
            self.kept.borrow_mut().push(output.clone());
        }
        output
    }

    /// The outputs that were kept.
    pub fn kept(self) -> Vec<Tensor<3>> {
        self.kept.into_inner()
    }
}
