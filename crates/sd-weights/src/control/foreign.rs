//! What a file is that holds no supported control network.

use crate::{Weights, WeightsError};

/// A part of a tensor's name, what a file with it is, and what to do.
type Sign = (&'static str, &'static str, &'static str);

/// Relatives of the supported networks, with names of their own.
const RELATIVES: [Sign; 5] = [
    ("controlnet_blocks.", "a control network for a transformer, such as Flux or Stable Diffusion 3", FAMILY),
    ("controlnet_x_embedder.", "a control network for Flux", FAMILY),
    ("base_to_ctrl.", "a ControlNet-XS", NETWORK),
    ("spatial_feat_mapping.", "the fuser of CoAdapter", NETWORK),
    ("style_embedding", "the style adapter of T2I-Adapter", "use an IP-Adapter as `image_prompt`"),
];

/// Modules that ControlNets for video have besides.
const VIDEO_MODULES: [Sign; 2] = [
    ("motion_modules.", "a SparseCtrl network or a motion module", VIDEO),
    ("temporal_", "a control network for video", VIDEO),
];

/// Other files, of which those that may contain another come first.
const OTHERS: [Sign; 15] = [
    ("lllite_", "a ControlNet-LLLite", NETWORK),
    ("ip_adapter.", "an IP-Adapter", "give it as `image_prompt`"),
    ("image_proj.", "an IP-Adapter", "give it as `image_prompt`"),
    ("lora_up.", "a LoRA", LORA),
    ("lora_A.", "a LoRA", LORA),
    ("lora.up.", "a LoRA", LORA),
    ("hada_w1_a", "a LyCORIS", LORA),
    ("lokr_w", "a LyCORIS", LORA),
    ("model.diffusion_model.", "a Stable Diffusion checkpoint", MODEL),
    ("input_blocks.", "a U-Net", MODEL),
    ("up_blocks.", "a U-Net", MODEL),
    ("string_to_param", "an embedding of new words", EMBEDDING),
    ("emb_params", "an embedding of new words", EMBEDDING),
    ("first_stage_model.", "an autoencoder", MODEL),
    ("text_model.", "a text encoder", MODEL),
];

const VIDEO: &str = "video is not supported";
const FAMILY: &str = "only control networks for Stable Diffusion 1.x, 2.x and XL are supported";
const NETWORK: &str = "it is not supported: use a ControlNet or a T2I-Adapter";
const LORA: &str = "give it as `lora`";
const MODEL: &str = "it is no control network, but a model or a part of one";
const EMBEDDING: &str = "give it as `embedding`";

/// Whether this is a relative of the supported networks.
pub(super) fn is_relative(weights: &Weights) -> bool {
    find(weights, &RELATIVES).is_some()
}

/// Refuses ControlNets for video.
pub(super) fn refuse_video(weights: &Weights) -> Result<(), WeightsError> {
    find(weights, &VIDEO_MODULES).map_or(Ok(()), |(_, what, remedy)| Err(error(weights, (*what).into(), remedy)))
}

/// Describes a file that is no control network at all.
pub(super) fn other(weights: &Weights) -> WeightsError {
    let known = [&RELATIVES[..], &VIDEO_MODULES, &OTHERS].into_iter().find_map(|signs| find(weights, signs));
    if let Some((_, what, remedy)) = known {
        return error(weights, (*what).into(), remedy);
    }
    let keys: Vec<&str> = weights.keys().take(3).collect();
    let keys = if keys.is_empty() { "no weights at all".to_string() } else { keys.join(", ") };
    error(weights, format!("a file with {keys}"), "no control network has these names")
}

fn find<'a>(weights: &Weights, signs: &'a [Sign]) -> Option<&'a Sign> {
    signs.iter().find(|(part, ..)| weights.keys().any(|key| key.contains(part)))
}

fn error(weights: &Weights, what: String, remedy: &str) -> WeightsError {
    WeightsError::NotAModel { file: weights.origin().to_path_buf(), what, remedy: remedy.to_string() }
}
