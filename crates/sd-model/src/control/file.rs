use std::path::{Path, PathBuf};

use sd_adapters::T2iAdapterConfig;
use sd_unet::ControlNetConfig;
use sd_weights::control::{ControlKind, ControlWeights};
use sd_weights::{Weights, is_folder, weight_files};
use serde_json::Map;

use crate::config::{CONTROL_NET, Json, UNION, check_hint, control_net_config, inferred, t2i_adapter_config};
use crate::folder::{BuiltIn, Folder, name_of};
use crate::{ModelError, control::conditions};

/// A control network whose config and weight headers are read, but not yet its weights: a ControlNet in any form, or a
/// T2I-Adapter.
///
/// [`Model::add_control`](crate::Model::add_control) adds it to a model.
#[derive(Debug, Clone)]
pub struct ControlFile {
    pub(super) path: PathBuf,
    pub(crate) weights: ControlWeights,
    pub(crate) network: Network,
    /// The configuration in the format of `config.json`; `None` for a change of a U-Net.
    pub(crate) json: Option<Json>,
    pub(super) notes: Vec<String>,
}

/// The configuration of a control network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Network {
    /// A ControlNet.
    Net(ControlNetConfig),
    /// A ControlNet without a `config.json`: its heads and groups are those of the U-Net that it is used with.
    Inferred(ControlNetConfig),
    /// A ControlNet that is a change of the U-Net that it is used with, and has its configuration.
    Change(Change),
    /// A T2I-Adapter.
    Adapter(T2iAdapterConfig),
}

/// What the tensors of a changed U-Net tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub hint_channels: usize,
    pub hint_widths: Vec<usize>,
    /// Width of the text that it reads, if it has attention.
    pub text: Option<usize>,
    pub is_xl: bool,
}

impl ControlFile {
    /// Opens a folder of diffusers, or one file of any program: safetensors or PyTorch's. What it is, its tensors tell.
    ///
    /// A folder has weights and mostly a `config.json`, of class `ControlNetModel`, `ControlNetUnionModel` or `T2IAdapter`; a
    /// folder `controlnet` within it is taken, too. Of a file, the configuration is inferred.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if something is missing, damaged or not supported, and for anything but a control network.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        if !is_folder(path).map_err(ModelError::io(path))? {
            return Self::new(path, Weights::in_file(path)?, None);
        }
        let folder = Folder::at(path);
        for part in [folder.clone(), folder.join("controlnet")] {
            if part.has_file("config.json")? {
                return Self::in_folder(path, &part);
            }
        }
        match &weight_files(path).map_err(ModelError::io(path))?[..] {
            [file] => Self::new(path, Weights::in_file(file)?, None),
            [] => Err(refuse(
                path,
                "it has no config.json and no weights: name the folder of a control network, or its file",
            )),
            several => {
                let names = several.iter().take(3).filter_map(|file| file.file_name()?.to_str()).collect::<Vec<_>>();
                let reason = format!(
                    "it has no config.json, and {} files of weights ({}): name one",
                    several.len(),
                    names.join(", ")
                );
                Err(refuse(path, &reason))
            }
        }
    }

    /// Opens the folder of a control network that is built into the program; messages call it `name`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn built_in(name: &str, files: BuiltIn) -> Result<Self, ModelError> {
        Self::in_folder(Path::new(name), &Folder::built_in(name, files))
    }

    fn in_folder(path: &Path, folder: &Folder) -> Result<Self, ModelError> {
        let json = folder.json("config.json")?;
        let class = json.get("_class_name").and_then(|class| class.as_str()).unwrap_or(CONTROL_NET);
        if ![CONTROL_NET, UNION, T2I_ADAPTER].contains(&class) {
            return Err(json.error(format!(
                "`_class_name` is {class:?}, no control network: supported are {CONTROL_NET}, {UNION} and {T2I_ADAPTER}"
            )));
        }
        Self::new(path, folder.weights("diffusion_pytorch_model")?, Some(json))
    }

    fn new(path: &Path, weights: Weights, json: Option<Json>) -> Result<Self, ModelError> {
        let weights = ControlWeights::recognise(weights)?;
        let (is_given, mut notes) = (json.is_some(), Vec::new());
        let json = match (weights.kind, json) {
            (kind, _) if kind.needs_unet() => None,
            (_, Some(json)) => Some(json),
            (ControlKind::Adapter, None) => Some(inferred::t2i_adapter(&weights.own)?),
            (_, None) => Some(inferred::control_net(&weights.own)?),
        };
        let network = match (weights.kind, json.clone()) {
            (_, None) => Network::Change(Change::of(&weights.own)?),
            (ControlKind::Adapter, Some(json)) => Network::Adapter(json.loosely(&mut notes, t2i_adapter_config)?),
            (_, Some(json)) if is_given => Network::Net(json.loosely(&mut notes, control_net_config)?),
            (_, Some(json)) => Network::Inferred(json.strictly(control_net_config)?),
        };
        Ok(Self { path: path.to_path_buf(), weights, network, json, notes }.averaged_by_name())
    }

    /// Follows ComfyUI and the web interface: no tensor tells that a network was trained on residuals averaged over the image,
    /// but the name of the published one.
    fn averaged_by_name(mut self) -> Self {
        let is_shuffle = self.name().to_lowercase().contains("shuffle");
        if let (Network::Inferred(config), true) = (&mut self.network, is_shuffle) {
            config.global_pool_conditions = true;
            let note =
                "its name contains `shuffle`: its outputs are averaged over the image, as the published network's";
            self.notes.push(format!("{}: {note}", self.path.display()));
        }
        self
    }

    /// The path that it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file or the folder, without its extension.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// What the file holds.
    pub fn kind(&self) -> ControlKind {
        self.weights.kind
    }

    /// Number of parameters in the file.
    pub fn elements(&self) -> usize {
        self.weights.own.elements()
    }

    /// Number of parameters of the loaded network; `unet` has the weights of the model that it was added to.
    pub(crate) fn loaded_elements(&self, unet: &Weights) -> usize {
        self.weights.complete(unet).map_or(self.elements(), |weights| weights.elements())
    }

    /// The weights of the loaded network; none if they do not fit the U-Net, which is then said when they are loaded.
    pub(crate) fn loaded_weights(&self, unet: &Weights) -> Option<Weights> {
        self.weights.complete(unet).ok()
    }

    /// Channels of the image that it reads: 3, or 1 for shades of grey.
    pub fn hint_channels(&self) -> usize {
        match &self.network {
            Network::Net(config) | Network::Inferred(config) => config.hint_channels,
            Network::Change(change) => change.hint_channels,
            Network::Adapter(config) => config.in_channels,
        }
    }

    /// The number of pixels that the image's width and height are multiples of.
    pub fn multiple(&self) -> usize {
        match &self.network {
            Network::Net(config) | Network::Inferred(config) => config.factor(),
            Network::Change(change) => 1 << (change.hint_widths.len() - 1),
            Network::Adapter(config) => config.downscale_factor,
        }
    }

    /// Whether its outputs are averaged over height and width before they are added, as in ControlNet 1.1 Shuffle.
    pub fn averages(&self) -> bool {
        match &self.network {
            Network::Net(config) | Network::Inferred(config) => config.global_pool_conditions,
            Network::Change(_) | Network::Adapter(_) => false,
        }
    }

    /// The names of the conditions that a network for several of them knows, in the order of their numbers; empty for others.
    pub fn condition_types(&self) -> Vec<&'static str> {
        conditions::names(self.kinds())
    }

    /// The number of a condition, by one of its names or as a number.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] with the names, or if the network has only one condition.
    pub fn condition_type(&self, name: &str) -> Result<usize, ModelError> {
        conditions::find(self.kinds(), name, &self.path)
    }

    fn kinds(&self) -> usize {
        match &self.network {
            Network::Net(config) | Network::Inferred(config) => config.union.map_or(0, |union| union.kinds),
            Network::Change(_) | Network::Adapter(_) => 0,
        }
    }

    /// Assumptions about the network, and keys of its config that are not known.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// diffusers' class of T2I-Adapters.
const T2I_ADAPTER: &str = "T2IAdapter";

fn refuse(folder: &Path, reason: &str) -> ModelError {
    ModelError::Folder { folder: folder.to_path_buf(), reason: reason.to_string() }
}

impl Change {
    fn of(weights: &Weights) -> Result<Self, ModelError> {
        let text = weights
            .keys()
            .find(|key| ["weight", "down"].iter().any(|part| key.ends_with(&format!("attn2.to_k.{part}"))));
        let (hint_channels, hint_widths) = (inferred::hint_channels(weights)?, inferred::hint_widths(weights)?);
        check_hint(&Json::new(weights.origin(), Map::new()), hint_channels, &hint_widths)?;
        Ok(Self {
            hint_channels,
            hint_widths,
            text: text.and_then(|key| weights.shape(key)?.get(1)).copied(),
            is_xl: weights.keys().any(|key| key.starts_with("add_embedding.")),
        })
    }
}
