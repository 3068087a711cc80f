use std::path::PathBuf;

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_image::{Image, planes};

use super::framing::Framing;
use crate::{Recipe, RecipeError};

/// Images of one size, and a caption for each.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Width of each, in pixels.
    pub width: usize,
    /// Height of each, in pixels.
    pub height: usize,
    /// The pixels of each, `3·width·height` bytes, row by row.
    pub rgb: Vec<u8>,
    /// The condition of each in a training of a ControlNet, as `rgb`; otherwise empty.
    pub conditions: Vec<u8>,
    /// The mask of each, `width·height` bytes: 255 where it is learnt; empty if all of them are learnt as a whole.
    pub masks: Vec<u8>,
    /// The caption of each; empty where none is needed.
    pub captions: Vec<String>,
    /// How many times each is shown in an epoch; empty if all are shown once.
    pub repeats: Vec<usize>,
    /// How each was made to fit; empty if all are shown as they were.
    pub(crate) framings: Vec<Framing>,
    /// Files that are left out, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

impl Dataset {
    /// Creates a dataset without images, but with memory for `count` of them.
    pub(super) fn with_room(recipe: &Recipe, count: usize) -> Result<Self, RecipeError> {
        let (size, mut rgb) = (recipe.data.size, Vec::new());
        rgb.try_reserve_exact(3 * count * size * size)
            .map_err(|error| recipe.wrong(format!("[data]: {count} images of {size}×{size} pixels: {error}")))?;
        Ok(Self { width: size, height: size, rgb, ..Self::default() })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.captions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.captions.is_empty()
    }

    /// Returns `count` images from the index `from` on.
    ///
    /// # Shapes
    ///
    /// - output: `[count, 3, height, width]`, from −1 to 1
    pub fn tensor(&self, from: usize, count: usize, device: &Device) -> Tensor<4> {
        let each = self.bytes();
        // Laid out as planes here, because each batch of a permuted tensor would copy all images.
        let mut values = Vec::with_capacity(count * each);
        values.extend(self.rgb[from * each..(from + count) * each].chunks_exact(each).flat_map(planes));
        let data = TensorData::new(values, [count, 3, self.height, self.width]);
        Tensor::from_data(data, (device, DType::F32))
    }

    /// Returns the first `count` images, or all if there are fewer.
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let first = |rgb: &[u8]| rgb[..rgb.len().min(count * self.bytes())].to_vec();
        Self {
            width: self.width,
            height: self.height,
            rgb: first(&self.rgb),
            conditions: first(&self.conditions),
            masks: Vec::new(),
            captions: self.captions[..count].to_vec(),
            repeats: Vec::new(),
            framings: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Returns what Stable Diffusion XL is told of each image: its height and width before and after it was made to fit, and between them
    /// what was cropped, in pixels.
    pub(crate) fn time_ids(&self) -> Vec<[f64; 6]> {
        let (width, height) = (self.width, self.height);
        let whole = Framing::new([width, height], [0, 0], 1.0);
        let framing = |image| self.framings.get(image).unwrap_or(&whole).time_ids(width, height);
        (0..self.len()).map(framing).collect()
    }

    /// Returns one of the images.
    pub fn image(&self, index: usize) -> Image {
        self.one(&self.rgb, index)
    }

    /// Returns the condition of one of the images.
    pub(crate) fn condition(&self, index: usize) -> Image {
        self.one(&self.conditions, index)
    }

    fn one(&self, rgb: &[u8], index: usize) -> Image {
        let each = self.bytes();
        Image { width: self.width, height: self.height, rgb: rgb[index * each..(index + 1) * each].to_vec() }
    }

    /// Number of bytes of each image.
    fn bytes(&self) -> usize {
        3 * self.width * self.height
    }
}
