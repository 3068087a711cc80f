use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::FloatDType;
use safetensors::Dtype;

use super::target::Component;
use crate::name_table::Table;
use crate::single_file::{UnetPlan, unet};
use crate::source::Source;
use crate::tensor_view::TensorView;
use crate::{Form, WeightsError, WeightsWriter};

/// A layer that a LoRA changes, and the tensors of its change.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraLayer {
    /// The network.
    pub component: Component,
    /// The layer's path in it, with dots: `mid_block.attentions.0.proj_in`.
    pub path: String,
    /// Alpha over the rank is the strength of a low-rank change; 0 for a change without a rank.
    pub rank: usize,
    /// See [`rank`](Self::rank).
    pub alpha: f64,
    /// The tensors.
    pub tensors: Vec<LoraTensor>,
}

/// A tensor of a [`LoraLayer`].
#[derive(Debug, Clone, PartialEq)]
pub struct LoraTensor {
    /// Its name in files of kohya's programs and LyCORIS, after the layer's: `lora_down.weight`.
    pub name: &'static str,
    /// Its shape there.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f32>,
}

/// The names that a LoRA's file gives to its tensors.
#[derive(Debug)]
pub enum LoraNames {
    /// Those of kohya's programs and LyCORIS: `lora_unet_…_to_q.lora_down.weight`, with an `alpha` for each layer.
    Kohya,
    /// The same for Stable Diffusion XL, where these programs have two text encoders, `lora_te1_…` and `lora_te2_…`, and the U-Net's
    /// layers under the names of the original program: `lora_unet_input_blocks_4_1_…`.
    KohyaXl(OriginalNames),
    /// Those of PEFT and diffusers: `unet.….to_q.lora_A.weight`. The strength is multiplied into `lora_B`, so that it does not
    /// depend on settings beside the tensors.
    Peft,
}

/// The names of a U-Net's layers in the original program.
#[derive(Debug)]
pub struct OriginalNames(Table);

impl OriginalNames {
    /// Finds the names by the keys of all tensors of the U-Net in the diffusers layout.
    pub fn from_keys<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        Self(unet(&UnetPlan::from_diffusers(keys)))
    }
}

/// kohya's names of the tensors that PEFT has too, and PEFT's.
const PEFT: [(&str, &str); 3] = [
    ("lora_down.weight", "lora_A.weight"),
    ("lora_up.weight", "lora_B.weight"),
    ("dora_scale", "lora_magnitude_vector"),
];

impl LoraLayer {
    /// Whether PEFT has names for all its tensors: for LoRA and DoRA.
    pub fn has_peft_names(&self) -> bool {
        self.tensors.iter().all(|tensor| PEFT.iter().any(|(kohya, _)| *kohya == tensor.name))
    }

    /// Returns the tensors with their names in a file.
    fn named(&self, names: &LoraNames) -> Vec<(String, LoraTensor)> {
        match names {
            LoraNames::Kohya => self.in_kohya(kohya_prefix(self.component), &self.path),
            LoraNames::KohyaXl(OriginalNames(table)) => match self.component {
                Component::Unet => {
                    let original = table.to_single(&self.path).map(|(name, _)| name);
                    self.in_kohya("lora_unet", original.as_ref().unwrap_or(&self.path))
                }
                Component::TextEncoder => self.in_kohya("lora_te1", &self.path),
                Component::TextEncoder2 => self.in_kohya("lora_te2", &self.path),
            },
            LoraNames::Peft => self.in_peft(),
        }
    }

    fn in_kohya(&self, prefix: &str, path: &str) -> Vec<(String, LoraTensor)> {
        let layer = format!("{prefix}_{}", path.replace('.', "_"));
        let alpha = LoraTensor { name: "alpha", shape: Vec::new(), values: vec![self.alpha as f32] };
        let all = self.tensors.iter().cloned().chain([alpha]);
        all.map(|tensor| (format!("{layer}.{}", tensor.name), tensor)).collect()
    }

    fn in_peft(&self) -> Vec<(String, LoraTensor)> {
        let strength = self.alpha / self.rank.max(1) as f64;
        let layer = format!("{}.{}", self.component.name(), self.path);
        let named = |tensor: &LoraTensor| {
            let known = PEFT.iter().find(|(kohya, _)| *kohya == tensor.name);
            let (_, name) = known.unwrap_or_else(|| panic!("PEFT has no name for {}", tensor.name));
            (format!("{layer}.{name}"), tensor.clone().in_peft(name, strength))
        };
        self.tensors.iter().map(named).collect()
    }
}

impl LoraTensor {
    /// Returns the tensor as PEFT has it under `name`.
    fn in_peft(mut self, name: &str, strength: f64) -> Self {
        match name {
            "lora_B.weight" => self.values.iter_mut().for_each(|value| *value = (f64::from(*value) * strength) as f32),
            // Lengths of a matrix's rows are a vector; those of a convolution multiply its weight with the outputs second.
            "lora_magnitude_vector" if self.shape.len() == 2 => self.shape.truncate(1),
            "lora_magnitude_vector" => self.shape.swap(0, 1),
            _ => {}
        }
        self
    }

    fn view(&self, path: &Path) -> TensorView {
        let bytes: &[u8] = bytemuck::cast_slice(&self.values);
        TensorView::in_rows(Source::held(path.into(), bytes.into()), 0, Dtype::F32, self.shape.clone())
    }
}

fn kohya_prefix(component: Component) -> &'static str {
    match component {
        Component::Unet => "lora_unet",
        Component::TextEncoder => "lora_te",
        Component::TextEncoder2 => "lora_te2",
    }
}

/// Writes a LoRA as a safetensors file. [`Lora::open`](crate::Lora::open) reads it.
///
/// # Errors
///
/// [`WeightsError::NotFinite`] for a value that is out of `dtype`'s range, and [`WeightsError::Io`]; nothing is left
/// half-written.
///
/// # Panics
///
/// Panics for [`LoraNames::Peft`] if PEFT [has no names](LoraLayer::has_peft_names) for a layer.
pub fn write_lora(
    path: &Path,
    layers: &[LoraLayer],
    names: &LoraNames,
    dtype: FloatDType,
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightsError> {
    let mut writer = WeightsWriter::default();
    metadata.iter().for_each(|(key, value)| writer.add_metadata(key, value));
    writer.add_metadata("format", "pt");
    for (key, tensor) in layers.iter().flat_map(|layer| layer.named(names)) {
        writer.add_part(key, 0, tensor.view(path));
    }
    writer.write(path, Form::Cast(dtype), &mut |_| ControlFlow::Continue(()))
}
