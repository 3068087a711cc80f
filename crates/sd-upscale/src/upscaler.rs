use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{DType as BurnDType, Device, FloatDType, Tensor, TensorData};
use sd_device::DType;
use sd_image::Filter;
use sd_weights::{Precision, Weights};

use crate::canvas::{Canvas, planes};
use crate::inferred::infer;
use crate::network::Network;
use crate::size::check_size;
use crate::tiling::Tile;
use crate::{Image, NetworkConfig, UpscaleError};

/// A network for enlarging images, in its file: its weights are not yet read.
#[derive(Debug)]
pub struct UpscalerFile {
    weights: Weights,
    config: NetworkConfig,
}

impl UpscalerFile {
    /// Reads the network's weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`UpscaleError::Weights`] if they do not fit or are damaged, [`UpscaleError::Precision`] if the device lacks the precision.
    pub fn load(&self, device: &Device, dtype: DType) -> Result<Upscaler, UpscaleError> {
        if !device.supports_dtype(dtype.float()) {
            return Err(UpscaleError::Precision { dtype });
        }
        let rest = if sd_ops::takes_half_weights(device) { FloatDType::F32 } else { dtype.float() };
        let precision = Precision { weights: dtype.float(), rest, keeps_blocks: false };
        let network = self.config.load(&self.weights, device, precision)?;
        Ok(Upscaler { network, config: self.config.clone(), device: device.clone() })
    }

    /// The network's configuration.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Estimates the memory for enlarging an image, in bytes: the weights, and what the network computes.
    pub fn memory(&self, width: usize, height: usize, tile: Tile, dtype: DType) -> usize {
        self.weights.elements() * dtype.bytes() + self.config.memory(width, height, tile)
    }
}

/// A network that enlarges images.
#[derive(Debug)]
pub struct Upscaler {
    network: Network,
    config: NetworkConfig,
    device: Device,
}

/// How much of the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Parts of the work that are done.
    pub done: usize,
    /// All parts, of about equal size.
    pub total: usize,
}

impl Upscaler {
    /// Opens the file of a network: safetensors or PyTorch's, in any layout of ESRGAN, BSRGAN and Real-ESRGAN. Reads its names
    /// and shapes and no values.
    ///
    /// # Errors
    ///
    /// [`UpscaleError::Weights`] for a file that cannot be read, [`UpscaleError::Architecture`] for one of another network.
    pub fn open(path: impl AsRef<Path>) -> Result<UpscalerFile, UpscaleError> {
        let (config, weights) = infer(&Weights::in_file(path.as_ref())?)?;
        Ok(UpscalerFile { weights, config })
    }

    /// Returns `image` at [`scale`](Self::scale) times its size. `watch` is called after each part of the work, and can end it.
    ///
    /// # Errors
    ///
    /// [`UpscaleError::TooLarge`] and [`UpscaleError::Tile`] before any work, [`UpscaleError::NotFinite`], and
    /// [`UpscaleError::Cancelled`].
    ///
    /// # Panics
    ///
    /// Panics if the image has no pixels.
    pub fn upscale(
        &self,
        image: &Image,
        tile: Tile,
        watch: &mut dyn FnMut(Parts) -> ControlFlow<()>,
    ) -> Result<Image, UpscaleError> {
        let (scale, (width, height)) = (self.scale(), (image.width, image.height));
        assert!(width > 0 && height > 0, "an image without pixels");
        self.config.check(width, height, tile)?;
        let [columns, rows] = self.config.tiles(width, height, tile);
        let total = columns.len() * rows.len() * self.network.steps();
        let mut done = 0;
        let mut advance = || {
            done += 1;
            // The last part is not worth cancelling.
            match watch(Parts { done, total }) {
                ControlFlow::Break(()) if done < total => Err(UpscaleError::Cancelled { done, total }),
                _ => Ok(()),
            }
        };
        let mut canvas = Canvas::new(width * scale, height * scale);
        for (j, down) in rows.ranges().enumerate() {
            canvas.finish_above(down.start * scale);
            let row_shares = rows.shares(j, scale);
            for (i, across) in columns.ranges().enumerate() {
                let values = planes(image, across.clone(), down.clone());
                let values = TensorData::new(values, [1, 3, down.len(), across.len()]);
                let x = Tensor::from_data(values, (&self.device, self.network.dtype()));
                let output = self.network.forward_with(x, &mut advance)?.cast(BurnDType::F32).into_data();
                let output = output.try_to_vec::<f32>().expect("it is in single precision");
                canvas.add(
                    &output,
                    [across.start * scale, down.start * scale],
                    &columns.shares(i, scale),
                    &row_shares,
                )?;
            }
        }
        Ok(canvas.into_image())
    }

    /// Returns `image` with another size: enlarged by the network, then resized with Lanczos, as Pillow does, unless that is
    /// its size already.
    ///
    /// # Errors and panics
    ///
    /// As [`upscale`](Self::upscale).
    pub fn upscale_to(
        &self,
        image: &Image,
        [width, height]: [usize; 2],
        tile: Tile,
        watch: &mut dyn FnMut(Parts) -> ControlFlow<()>,
    ) -> Result<Image, UpscaleError> {
        check_size(width, height)?;
        let enlarged = self.upscale(image, tile, watch)?;
        if (enlarged.width, enlarged.height) == (width, height) {
            return Ok(enlarged);
        }
        Ok(enlarged.resize(width, height, Filter::Lanczos))
    }

    /// Returns an image of [`scale`](Self::scale) times the size, computed as a whole.
    ///
    /// # Shapes
    ///
    /// - x: `[1, 3, height, width]`, from 0 to 1, in single precision; height and width multiples of `unshuffle` in an
    ///   [`RrdbNetConfig`](crate::RrdbNetConfig)
    /// - output: `[1, 3, scale·height, scale·width]`, about 0 to 1, in single precision
    pub fn enlarge(&self, x: Tensor<4>) -> Tensor<4> {
        let output = self.network.forward_with(x.cast(self.network.dtype()), &mut || Ok(()));
        output.expect("nothing stops it").cast(BurnDType::F32)
    }

    /// The factor between the sides of the output and of the input.
    pub fn scale(&self) -> usize {
        self.config.scale()
    }

    /// The network's configuration.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }
}

impl NetworkConfig {
    /// Checks that an image can be enlarged with tiles, before any work.
    ///
    /// # Errors
    ///
    /// [`UpscaleError::TooLarge`] and [`UpscaleError::Tile`].
    pub fn check(&self, width: usize, height: usize, tile: Tile) -> Result<(), UpscaleError> {
        let [wide, high] = [width, height].map(|side| side.saturating_mul(self.scale()));
        check_size(wide, high)?;
        tile.check()
    }
}
