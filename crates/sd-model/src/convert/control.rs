use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use sd_unet::{ControlNetConfig, UnetConfig};
use sd_weights::control::{ControlKind, ControlLayout};
use sd_weights::single_file::Family;
use sd_weights::{Form, make_folder_atomically};

use super::{Layout, Written, check_form, check_free, folder, write};
use crate::config::{control_net_config, inferred};
use crate::control::Network;
use crate::describe::{Kind, find_kind};
use crate::{ControlFile, Field, ModelError};

impl ControlFile {
    /// Whether a path holds a control network rather than anything else.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if it cannot be read.
    pub fn is_at(path: &Path) -> Result<bool, ModelError> {
        Ok(find_kind(path)? == Kind::Control)
    }

    /// Writes the ControlNet to `to`: a single file, or a folder of diffusers with its `config.json`, as
    /// [`to`'s name](Layout::of_name) means. The tensors of a single file have the names of `names`; by default, those of the
    /// original program, or of diffusers for a network for several conditions, which are published under these.
    ///
    /// Tensors are read, brought into `form` and written one by one. `to` appears only when it is complete. `watch` is called
    /// after each tensor and can stop the conversion.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] if `to` already exists, for a network of another [kind](Self::kind), and for one that a single file
    /// cannot describe; [`ModelError::Cancelled`] if `watch` stops the conversion; and any error of reading or writing.
    pub fn convert(
        &self,
        to: &Path,
        names: Option<ControlLayout>,
        form: Form,
        watch: &mut dyn FnMut(&Written<'_>) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let layout = Layout::of_name(to)?;
        check_free(to)?;
        check_form(to, form, layout)?;
        let (Network::Net(config) | Network::Inferred(config), Some(json)) = (&self.network, &self.json) else {
            return Err(self.refuse(match self.kind() {
                ControlKind::Adapter => "a T2I-Adapter is read in either layout, and not converted",
                _ => "it is a change of the U-Net that it is used with, and only whole ControlNets are converted",
            }));
        };
        // Only the parameters' names and shapes are read; nothing is initialised on this device.
        let weights = self.weights.own.fitted(&config.init(&Device::default()))?;
        let family = self.family().unwrap_or(Family::Sd1);
        match layout {
            Layout::Single => {
                self.check_single(config, to)?;
                let usual = if config.union.is_some() { ControlLayout::Diffusers } else { ControlLayout::Original };
                let draft = names.unwrap_or(usual).writer(&weights, family)?;
                write(&[(to.to_path_buf(), to.display().to_string(), draft)], form, watch)
            }
            Layout::Diffusers => {
                let json = json.clone().with("use_linear_projection", family != Family::Sd1);
                let json = json.with("global_pool_conditions", config.global_pool_conditions);
                let draft = ControlLayout::Diffusers.writer(&weights, family)?;
                let io = |source| ModelError::Io { file: to.to_path_buf(), source };
                make_folder_atomically(to, io, |partial| {
                    folder::write(partial, &[folder::config_file("config.json", json.into_map())])?;
                    let name = folder::weights_name(WEIGHTS, form);
                    write(&[(partial.join(&name), name, draft)], form, watch)
                })
            }
        }
    }

    /// Refuses a network that a reader of the single file `to` would take for another: it has no config.
    fn check_single(&self, config: &ControlNetConfig, to: &Path) -> Result<(), ModelError> {
        let is_shuffle = to.file_stem().is_some_and(|name| name.to_string_lossy().to_lowercase().contains("shuffle"));
        let read = inferred::control_net(&self.weights.own)?.strictly(control_net_config)?;
        let reason = match () {
            () if config.bgr => "it reads images of blue, green and red",
            () if config.global_pool_conditions && !is_shuffle => {
                "its outputs are averaged over the image; programs know that by a name with `shuffle`: choose such a name"
            }
            () if shape(&read) != shape(config) => "its structure is not as its weights suggest",
            () => return Ok(()),
        };
        Err(self.refuse(&format!("{reason}; a single file cannot record that: convert to a folder instead")))
    }

    fn refuse(&self, reason: &str) -> ModelError {
        ModelError::request(Field::Model, format!("{}: {reason}", self.path().display()))
    }
}

/// The name of the weights in a folder.
const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// The configuration without what a reader takes from the U-Net that the network is used with.
fn shape(config: &ControlNetConfig) -> ControlNetConfig {
    let mut unet = UnetConfig { norm_num_groups: 1, norm_eps: 0.0, addition: None, ..config.unet.clone() };
    unet.levels.iter_mut().for_each(|level| level.heads = 1);
    ControlNetConfig { unet, bgr: false, global_pool_conditions: false, ..config.clone() }
}
