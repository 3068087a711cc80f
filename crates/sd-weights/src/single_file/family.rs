use crate::{Weights, WeightsError};

/// The families of Stable Diffusion whose single files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// 1.x: CLIP's text encoder.
    Sd1,
    /// 2.x: OpenCLIP's.
    Sd2,
    /// XL: both.
    Xl,
    /// The refiner of XL: OpenCLIP's larger one.
    XlRefiner,
}

impl Family {
    /// Whether the U-Net reads pooled text and sizes, as XL's does.
    pub fn is_xl(self) -> bool {
        matches!(self, Self::Xl | Self::XlRefiner)
    }

    /// The folders of the text encoders in the diffusers layout.
    pub fn text_encoders(self) -> &'static [&'static str] {
        match self {
            Self::Sd1 | Self::Sd2 => &["text_encoder"],
            Self::Xl => &["text_encoder", "text_encoder_2"],
            Self::XlRefiner => &["text_encoder_2"],
        }
    }
}

pub(super) const UNET: &str = "model.diffusion_model.";
pub(super) const VAE: &str = "first_stage_model.";
const CONV_IN: &str = "model.diffusion_model.input_blocks.0.0.weight";

/// A file that is not a checkpoint: a part of one of its keys, its description, and what to do.
type Other = (&'static str, &'static str, &'static str);

/// Other models, some of which have the keys of a Stable Diffusion checkpoint too.
const OTHER_MODELS: [Other; 12] = [
    ("joint_blocks.", "a Stable Diffusion 3 model", THREE),
    ("double_blocks.", "a Flux model", THREE),
    ("double_stream_blocks.", "a HiDream model", THREE),
    ("double_layers.0.attn.", "an AuraFlow model", THREE),
    ("cap_embedder.", "a Lumina model", THREE),
    ("patchify_proj.", "an LTX video model", THREE),
    ("clip_txt_mapper.", "a Stable Cascade model", THREE),
    ("down_blocks.1.0.channelwise.", "a Stable Cascade model", THREE),
    (".time_stack.", "a video model", THREE),
    (".time_mixer.", "a video model", THREE),
    ("edm_mean", "a Playground 2.5 model", NOISE),
    ("edm_vpred.sigma_", "a CosXL model", NOISE),
];
const NOISE: &str = "it needs another noise schedule, which is not supported";

/// Additions to a model, and parts of one.
const PARTS: [Other; 20] = [
    ("motion_modules.", "a motion module", "it belongs to a model, and video is not supported"),
    ("control_model.", "a ControlNet", CONTROL),
    ("controlnet_cond_embedding.", "a ControlNet", CONTROL),
    ("input_hint_block.", "a ControlNet", CONTROL),
    ("adapter.body.0.resnets.", "a T2I-Adapter", CONTROL),
    ("body.0.block1.", "a T2I-Adapter", CONTROL),
    ("body.0.body.0.block1.", "a T2I-Adapter", CONTROL),
    ("lora_up.", "a LoRA", LORA),
    ("lora_A.", "a LoRA", LORA),
    ("lora.up.", "a LoRA", LORA),
    ("lora_linear_layer.", "a LoRA", LORA),
    ("hada_w1_a", "a LyCORIS of Hadamard products", LORA),
    ("lokr_w", "a LyCORIS of Kronecker products", LORA),
    ("string_to_param", "an embedding of new words", EMBEDDING),
    ("emb_params", "an embedding of new words", EMBEDDING),
    ("clip_g", "an embedding of new words", EMBEDDING),
    ("ip_adapter.", "an IP-Adapter", "it belongs to a model: name the model, and give this as `image_prompt`"),
    (
        "down_blocks.0.resnets.",
        "a part of a model in the diffusers layout",
        "name the whole folder, the one with model_index.json",
    ),
    ("text_model.encoder.layers.", "a text encoder", "name the whole model, a folder or a single file"),
    ("input_blocks.0.0.weight", "a U-Net alone", JOIN),
];
const THREE: &str = "only Stable Diffusion 1.x, 2.x and XL are supported";
const CONTROL: &str = "it belongs to a model: name the model, and give this as `control`";
const LORA: &str = "it changes a model, and is not one itself: name the model";
const EMBEDDING: &str = "it adds to a model, and is not one itself: name the model";

/// Recognises the family of a single file, and the names of its text encoders.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for an unsupported file, with a description of it.
pub fn family(weights: &Weights) -> Result<(Family, Vec<TextNames>), WeightsError> {
    let refuse = |what: &str, remedy: &str| {
        let (file, what, remedy) = (weights.origin().to_path_buf(), what.to_string(), remedy.to_string());
        Err(WeightsError::NotAModel { file, what, remedy })
    };
    if let Some((_, what, remedy)) = find(weights, &OTHER_MODELS) {
        return refuse(what, remedy);
    }
    let Some(shape) = weights.shape(CONV_IN) else { return other(weights) };
    match shape.get(1) {
        Some(4 | 5 | 8 | 9) => {}
        Some(7) => return refuse("a model that enlarges images", CHANNELS),
        _ => return refuse(&format!("a model whose first convolution is {shape:?}"), CHANNELS),
    }
    let is_conditioned = weights.keys().any(|key| key.starts_with("model.diffusion_model.label_emb."));
    match (TextNames::first(weights), TextNames::second(weights)) {
        (Some(first), Some(second)) => Ok((Family::Xl, vec![first, second])),
        (Some(TextNames::OpenClip(REFINER)), None) if is_conditioned && context(weights) != Some(1024) => {
            Ok((Family::XlRefiner, vec![TextNames::OpenClip(REFINER)]))
        }
        (Some(TextNames::Clip(_)), None) if is_conditioned && context(weights) != Some(1024) => {
            refuse("a model of Stable Diffusion XL without its second text encoder", WHOLE)
        }
        (Some(_), None) if is_conditioned => refuse("a model that takes an image or a class (unCLIP)", CHANNELS),
        (Some(first @ TextNames::OpenClip(_)), None) => Ok((Family::Sd2, vec![first])),
        // A file converted from a folder may have transformers' names; then the width of the text decides.
        (Some(first @ TextNames::Clip(_)), None) if context(weights) == Some(1024) => Ok((Family::Sd2, vec![first])),
        (Some(first @ TextNames::Clip(_)), None) => Ok((Family::Sd1, vec![first])),
        (None, _) => refuse("a U-Net without its text encoders", JOIN),
    }
}
const CHANNELS: &str =
    "supported are U-Nets with 4 input channels (text), 5 (and depth), 8 (and an image) and 9 (and a mask)";
const JOIN: &str =
    "get the whole checkpoint, or join it to the rest of a model of the same family: convert that with this as `unet`";
const WHOLE: &str = "get the whole checkpoint, with U-Net, text encoders and autoencoder, or a model folder";

/// The naming scheme of a text encoder, with its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextNames {
    /// As in transformers.
    Clip(&'static str),
    /// As in OpenCLIP.
    OpenClip(&'static str),
}

/// The names of the only text encoder, or of XL's first. The program that XL came from uses the last of them for 2.x.
const FIRST: [TextNames; 4] = [
    TextNames::Clip("cond_stage_model.transformer."),
    TextNames::OpenClip("cond_stage_model.model."),
    TextNames::Clip("conditioner.embedders.0.transformer."),
    TextNames::OpenClip(REFINER),
];
const REFINER: &str = "conditioner.embedders.0.model.";

/// The names of XL's second text encoder.
const SECOND: [TextNames; 3] = [
    TextNames::OpenClip("conditioner.embedders.1.model."),
    TextNames::Clip("conditioner.embedders.1.transformer."),
    // stable-diffusion.cpp's own.
    TextNames::Clip("cond_stage_model.1.transformer."),
];

impl TextNames {
    fn first(weights: &Weights) -> Option<Self> {
        FIRST.into_iter().find(|names| names.are_in(weights))
    }

    fn second(weights: &Weights) -> Option<Self> {
        SECOND.into_iter().find(|names| names.are_in(weights))
    }

    fn are_in(self, weights: &Weights) -> bool {
        // A file may also have an image encoder there.
        let starts = match self {
            Self::Clip(prefix) => [format!("{prefix}text_model."), format!("{prefix}embeddings.token_embedding.")],
            Self::OpenClip(prefix) => [format!("{prefix}token_embedding."), format!("{prefix}transformer.resblocks.")],
        };
        weights.keys().any(|key| starts.iter().any(|start| key.starts_with(start)))
    }
}

fn find<'a>(weights: &Weights, others: &'a [Other]) -> Option<&'a Other> {
    others.iter().find(|(part, ..)| weights.keys().any(|key| key.contains(part)))
}

/// Returns the width of the text embeddings that the U-Net reads.
fn context(weights: &Weights) -> Option<usize> {
    let key = weights.keys().find(|key| key.starts_with(UNET) && key.ends_with("attn2.to_k.weight"))?;
    weights.shape(key)?.get(1).copied()
}

/// Refuses a file without the U-Net of a Stable Diffusion checkpoint.
fn other(weights: &Weights) -> Result<(Family, Vec<TextNames>), WeightsError> {
    let vae_parts = ["decoder.up.", "decoder.up_blocks.", "decoder.layers."];
    let is_vae = weights.keys().any(|key| vae_parts.iter().any(|part| key.contains(part)));
    let (what, remedy) = match find(weights, &PARTS) {
        Some((_, what, remedy)) => ((*what).to_string(), *remedy),
        None if is_vae => ("an autoencoder".to_string(), "name the whole model, a folder or a single file"),
        None => {
            let keys: Vec<&str> = weights.keys().take(3).collect();
            let keys = if keys.is_empty() { "no weights at all".to_string() } else { keys.join(", ") };
            (format!("a file with {keys}"), "no Stable Diffusion checkpoint has these names")
        }
    };
    Err(WeightsError::NotAModel { file: weights.origin().to_path_buf(), what, remedy: remedy.to_string() })
}
