//! The images that a model is trained on, and their captions.

mod captions;
mod files;
mod folder;
mod identity;
mod scenes;

use std::path::PathBuf;

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_pipeline::Image;
use sd_scenes::Split;

pub(crate) use identity::Identity;

use crate::{Recipe, RecipeError, Watch};

/// Square images of one size, and a caption for each.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Width and height in pixels.
    pub size: usize,
    /// `size·size·3` bytes for each, row by row.
    pub rgb: Vec<u8>,
    /// A caption for each; empty texts where none is needed.
    pub captions: Vec<String>,
    /// Files that were left out, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

impl Dataset {
    /// All that the recipe names.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Data`] where none is left, [`RecipeError::Io`] where the folder cannot be read, and
    /// [`RecipeError::Interrupted`] where `watch` wants to stop.
    pub fn read(recipe: &Recipe, watch: &mut Watch) -> Result<Self, RecipeError> {
        match (&recipe.data.folder, recipe.data.scenes) {
            (Some(folder), _) => folder::read(recipe, folder, watch),
            (None, count) => scenes::draw(recipe, Split::Train, count.unwrap_or_default(), watch),
        }
    }

    /// No images yet, but memory for so many.
    fn with_room(recipe: &Recipe, count: usize) -> Result<Self, RecipeError> {
        let (size, mut rgb) = (recipe.data.size, Vec::new());
        rgb.try_reserve_exact(3 * count * size * size)
            .map_err(|error| recipe.wrong(format!("[data]: {count} images of {size}×{size} pixels: {error}")))?;
        Ok(Self { size, rgb, ..Self::default() })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.captions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.captions.is_empty()
    }

    /// Some of the images, `[count, 3, size, size]`, from −1 to 1.
    pub fn tensor(&self, from: usize, count: usize, device: &Device) -> Tensor<4> {
        let (size, each) = (self.size, self.size * self.size * 3);
        // Planes are laid out here: of a permuted tensor, each batch would copy all images.
        let planes = self.rgb[from * each..(from + count) * each].chunks_exact(each).flat_map(|image| {
            (0..3)
                .flat_map(move |channel| image[channel..].iter().step_by(3).map(|byte| f32::from(*byte) / 127.5 - 1.0))
        });
        let mut numbers = Vec::with_capacity(count * each);
        numbers.extend(planes);
        let data = TensorData::new(numbers, [count, 3, size, size]);
        Tensor::from_data(data, (device, DType::F32))
    }

    /// The first images, as many of `count` as there are.
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let rgb = self.rgb[..count * self.size * self.size * 3].to_vec();
        Self { size: self.size, rgb, captions: self.captions[..count].to_vec(), skipped: Vec::new() }
    }

    /// Dataset for samples on the way: held-out scenes, or the first of a folder.
    pub(crate) fn to_look_at(&self, recipe: &Recipe, watch: &mut Watch) -> Result<Self, RecipeError> {
        let count = recipe.samples.count;
        if recipe.data.scenes.is_some() {
            return scenes::draw(recipe, Split::HeldOut, count, watch);
        }
        Ok(self.first(count))
    }

    /// What tells them from others.
    pub(crate) fn identity(&self) -> Identity {
        Identity::of(self)
    }

    /// One of the images.
    pub fn image(&self, index: usize) -> Image {
        let each = self.size * self.size * 3;
        Image { width: self.size, height: self.size, rgb: self.rgb[index * each..(index + 1) * each].to_vec() }
    }
}
