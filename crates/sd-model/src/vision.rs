use std::path::Path;

use sd_clip::{ClipVision, ClipVisionConfig};
use sd_device::Device;
use sd_weights::single_file::image_encoder;
use sd_weights::{Weights, is_file, is_folder};

use crate::config::{inferred, vision_config};
use crate::folder::Folder;
use crate::placed::{Placement, packed, placed};
use crate::precision::{check_precision, precision};
use crate::{DType, ModelError};

/// An opened image encoder of CLIP, such as IP-Adapters need: its configuration and its weights, not yet loaded.
#[derive(Debug)]
pub struct VisionFile {
    config: ClipVisionConfig,
    weights: Weights,
}

impl VisionFile {
    /// Opens a folder or a file.
    ///
    /// A folder has `config.json` and `model.safetensors` or `pytorch_model.bin`, as transformers writes them, for an image encoder
    /// or for a whole CLIP; or it has a subfolder `image_encoder` with these. A file has the tensor names of transformers or
    /// of OpenCLIP, and its configuration is [inferred](inferred::vision).
    ///
    /// # Errors
    ///
    /// [`ModelError`] if something is missing, damaged or not supported.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let io = ModelError::io(path);
        if is_file(path).map_err(&io)? {
            let weights = image_encoder(Weights::in_file(path)?)?;
            return Ok(Self { config: vision_config(inferred::vision(&weights)?)?, weights });
        }
        if !is_folder(path).map_err(&io)? {
            let reason = "no such folder or file; an image encoder is a folder with config.json and model.safetensors, or a file";
            return Err(ModelError::Folder { folder: path.to_path_buf(), reason: reason.into() });
        }
        let folder = Folder::at(path);
        let folder = if folder.has_folder("image_encoder")? { folder.join("image_encoder") } else { folder };
        let config = vision_config(folder.json("config.json")?)?;
        Ok(Self { config, weights: image_encoder(folder.weights("model")?)? })
    }

    /// Its configuration.
    pub fn config(&self) -> &ClipVisionConfig {
        &self.config
    }

    /// Its weights, with the names of transformers.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Reads the weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Weights`] if the weights do not fit or are damaged, [`ModelError::Precision`] if the device lacks the
    /// precision.
    pub fn load(&self, device: &Device, dtype: DType) -> Result<ClipVision, ModelError> {
        self.load_from(device, dtype, Placement::default())
    }

    /// [`load`](Self::load).
    pub(crate) fn load_from(
        &self,
        device: &Device,
        dtype: DType,
        placement: Placement,
    ) -> Result<ClipVision, ModelError> {
        check_precision(dtype, device)?;
        let encoder = placed(&self.weights, placement).load(self.config.init(device), precision(dtype, device))?;
        Ok(packed(encoder, placement))
    }
}
