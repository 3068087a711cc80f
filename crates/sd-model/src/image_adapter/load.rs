use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Device;
use sd_clip::ClipVision;
use sd_ops::lay_out;

use super::file::ImageAdapterFile;
use crate::placed::{Placement, placed};
use crate::precision::precision;
use crate::vision::VisionFile;
use crate::{DType, ModelError};

/// A loaded IP-Adapter, with the tower that encodes its images.
#[derive(Debug, Clone)]
pub struct ImageAdapter {
    /// CLIP's vision tower; adapters with the same file share it.
    pub encoder: Arc<ClipVision>,
    /// The projection of what it gives, and the keys and values for each layer of the U-Net.
    pub network: Arc<sd_adapters::ImageAdapter>,
}

/// The towers that were loaded, by their files.
#[derive(Default)]
pub(crate) struct Encoders(Vec<(PathBuf, Arc<ClipVision>)>);

impl Encoders {
    fn load(
        &mut self,
        file: &VisionFile,
        device: &Device,
        dtype: DType,
        placement: Placement,
    ) -> Result<Arc<ClipVision>, ModelError> {
        let origin = file.weights().origin();
        if let Some((_, encoder)) = self.0.iter().find(|(loaded, _)| loaded == origin) {
            return Ok(encoder.clone());
        }
        let encoder = Arc::new(file.load_from(device, dtype, placement)?);
        self.0.push((origin.to_path_buf(), encoder.clone()));
        Ok(encoder)
    }
}

impl ImageAdapterFile {
    /// Reads the weights onto `device`, and those of the tower unless `encoders` has it.
    pub(crate) fn load(
        &self,
        encoders: &mut Encoders,
        device: &Device,
        dtype: DType,
        placement: Placement,
    ) -> Result<ImageAdapter, ModelError> {
        let (config, encoder) =
            self.config.as_ref().zip(self.encoder.as_ref()).expect("an adapter that was added has both");
        let network = placed(&self.weights, placement).load(config.init(device), precision(dtype, device))?;
        let encoder = encoders.load(encoder, device, dtype, placement)?;
        Ok(ImageAdapter { encoder, network: Arc::new(lay_out(network)) })
    }
}
