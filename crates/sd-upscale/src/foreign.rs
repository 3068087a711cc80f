//! What a file is that holds no supported network.

/// Parts of key names, with the kind of network that has them; the more special ones first.
const SIGNS: [(&str, &str); 22] = [
    ("residual_group.overlap_attn.", "a HAT network"),
    ("attn_atd.", "an ATD network"),
    ("residual_group.hf_blocks.", "a CRAFT network"),
    ("residual_group.blocks.0.attn.logit_scale", "a Swin2SR network"),
    ("residual_group.blocks.0.attn.", "a SwinIR network"),
    ("attn.channel_interaction.", "a DAT network"),
    ("before_RG.", "an RGT network"),
    ("stripe_attn.", "a GRL network"),
    ("swin1.attn.", "a DRCT network"),
    ("residual_layer.0.residual_layer.", "an OmniSR network"),
    ("block_1.c1_r.", "a SPAN network"),
    (".conv_du.", "an RCAN network"),
    ("feats.0.weight", "a PLKSR network"),
    ("gblocks.0.weight", "a MoSR network"),
    ("unet1.conv_bottom.", "a Real-CUGAN network"),
    ("final_conv.pointwise.", "a SwiftSRGAN network"),
    ("stylegan_decoder.", "a GFPGAN network, for faces"),
    ("model.diffusion_model.", "a Stable Diffusion checkpoint"),
    ("lora_", "a LoRA"),
    ("down_blocks.", "a network of a diffusion model"),
    ("decoder.up.", "an autoencoder"),
    ("text_model.", "a text encoder"),
];

/// Describes a file by the names of its tensors.
pub(crate) fn describe<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some((_, kind)) = SIGNS.iter().find(|(sign, _)| keys.clone().any(|key| key.contains(sign))) {
        return (*kind).to_string();
    }
    let first: Vec<&str> = keys.take(3).collect();
    match first[..] {
        [] => "a file without tensors".into(),
        _ => format!("a network of an unknown kind, with tensors such as {}", first.join(", ")),
    }
}
