use std::path::{Path, PathBuf};

use sd_clip::{Activation, ClipTextConfig, ClipVisionConfig};
use sd_unet::{AdditionConfig, ControlNetConfig, UnconditionalLevel, UnconditionalUnetConfig, UnetConfig, UnetLevel};
use sd_vae::{AutoencoderKlConfig, AutoencoderTinyConfig};
use sd_weights::single_file::Family;

use crate::conventional;

/// The tiny text-to-image models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Like Stable Diffusion 1.x.
    Sd1,
    /// Like Stable Diffusion 2.x with v-prediction.
    Sd2v,
    /// Like Stable Diffusion XL.
    Sdxl,
    /// Like the refiner of Stable Diffusion XL.
    Refiner,
    /// Follows all conventions of its family, including CLIP's vocabulary, so that a single file can be read without
    /// configs. There are no reference images of it.
    Conventional(Family),
}

impl Kind {
    /// The kinds in `golden/models`.
    pub const ALL: [Self; 3] = [Self::Sd1, Self::Sd2v, Self::Sdxl];

    /// Name that seeds its weights, and of its folder in `golden/models`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sd1 => "sd1",
            Self::Sd2v => "sd2v",
            Self::Sdxl => "sdxl",
            Self::Refiner => "refiner",
            Self::Conventional(family) => conventional::name(family),
        }
    }

    /// Its family.
    pub fn family(self) -> Family {
        match self {
            Self::Sd1 => Family::Sd1,
            Self::Sd2v => Family::Sd2,
            Self::Sdxl => Family::Xl,
            Self::Refiner => Family::XlRefiner,
            Self::Conventional(family) => family,
        }
    }

    /// Its folder in `golden/models`, or the refiner's in `golden/editing`; the conventional kinds have none.
    pub fn data(self) -> PathBuf {
        let set = if self == Self::Refiner { "editing" } else { "models" };
        data().join(set).join(self.name())
    }

    /// Its text encoders, each with the name of its folder.
    pub fn text(self) -> Vec<(&'static str, ClipTextConfig)> {
        let text = |width, hidden_act, projection_dim| ClipTextConfig {
            vocab_size: 518,
            hidden_size: width,
            intermediate_size: 4 * width,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            hidden_act,
            projection_dim,
            ..ClipTextConfig::sd1()
        };
        match self {
            Self::Sd1 => vec![("text_encoder", text(32, Activation::QuickGelu, None))],
            Self::Sd2v => vec![("text_encoder", text(32, Activation::Gelu, None))],
            Self::Sdxl => vec![
                ("text_encoder", text(32, Activation::QuickGelu, None)),
                ("text_encoder_2", text(40, Activation::Gelu, Some(40))),
            ],
            Self::Refiner => vec![("text_encoder_2", text(40, Activation::Gelu, Some(40)))],
            Self::Conventional(family) => conventional::text(family),
        }
    }

    /// Its U-Net.
    pub fn unet(self) -> UnetConfig {
        let level = |channels, attention, heads| UnetLevel::even(channels, 2, attention, heads);
        let tiny = UnetConfig { norm_num_groups: 8, cross_attention_dim: 32, ..UnetConfig::sd1() };
        match self {
            Self::Sd1 => {
                UnetConfig { levels: vec![level(16, 1, 4), level(32, 1, 4), level(32, 1, 4), level(32, 0, 4)], ..tiny }
            }
            Self::Sd2v => {
                UnetConfig { levels: vec![level(16, 1, 2), level(32, 1, 4), level(32, 1, 4), level(32, 0, 4)], ..tiny }
            }
            Self::Sdxl => UnetConfig {
                levels: vec![level(16, 0, 2), level(32, 1, 4), level(32, 2, 8)],
                mid_attention: 2,
                cross_attention_dim: 72,
                addition: Some(AdditionConfig { time_embed_dim: 8, input_dim: 6 * 8 + 40 }),
                ..tiny
            },
            Self::Refiner => UnetConfig {
                levels: vec![level(16, 0, 2), level(32, 2, 4), level(32, 2, 4), level(32, 0, 4)],
                mid_attention: 2,
                cross_attention_dim: 40,
                addition: Some(AdditionConfig { time_embed_dim: 8, input_dim: 5 * 8 + 40 }),
                ..tiny
            },
            Self::Conventional(family) => conventional::unet(family),
        }
    }

    /// A ControlNet for its U-Net.
    pub fn control(self) -> ControlNetConfig {
        ControlNetConfig::new(self.unet()).with_hint_widths(vec![4, 8, 12, 16])
    }

    /// Its autoencoder.
    pub fn vae(self) -> AutoencoderKlConfig {
        if let Self::Conventional(family) = self {
            return conventional::vae(family);
        }
        AutoencoderKlConfig {
            block_out_channels: vec![16, 16, 32, 32],
            layers_per_block: 1,
            norm_num_groups: 8,
            scaling_factor: if self.family().is_xl() { 0.13025 } else { 0.18215 },
            ..AutoencoderKlConfig::sd()
        }
    }
}

/// The network of the tiny pixel model, as in DDPM.
pub fn ddpm() -> UnconditionalUnetConfig {
    UnconditionalUnetConfig {
        levels: unconditional_levels([false, true, false]),
        norm_num_groups: 8,
        ..UnconditionalUnetConfig::ddpm_cifar10()
    }
}

/// A network of the same kind that differs wherever it can.
pub fn later_ddpm() -> UnconditionalUnetConfig {
    UnconditionalUnetConfig {
        levels: unconditional_levels([false, false, true]),
        layers_per_block: 1,
        mid_attention: false,
        attention_head_dim: Some(8),
        norm_eps: 1e-5,
        flip_sin_to_cos: true,
        freq_shift: 0,
        downsample_padding: 1,
        ..ddpm()
    }
}

/// The network of the set `learned_variance`, a pixel model that also says the variance of its noise.
pub fn learned_variance() -> UnconditionalUnetConfig {
    let level =
        |channels, attention| UnconditionalLevel { channels, down_attention: attention, up_attention: attention };
    UnconditionalUnetConfig {
        out_channels: 6,
        levels: vec![level(16, false), level(32, true)],
        mid_attention: true,
        ..later_ddpm()
    }
}

fn unconditional_levels(attention: [bool; 3]) -> Vec<UnconditionalLevel> {
    let level =
        |(channels, attention)| UnconditionalLevel { channels, down_attention: attention, up_attention: attention };
    [16, 32, 32].into_iter().zip(attention).map(level).collect()
}

/// A small AutoencoderTiny.
pub fn vae_tiny() -> AutoencoderTinyConfig {
    AutoencoderTinyConfig {
        encoder_block_out_channels: vec![8; 4],
        decoder_block_out_channels: vec![8; 4],
        num_encoder_blocks: vec![1, 1, 2, 1],
        num_decoder_blocks: vec![2, 1, 1, 1],
        ..AutoencoderTinyConfig::taesd()
    }
}

/// The small image encoders of the set `vision`, with the names that seed their weights: one as OpenCLIP's, and one as CLIP's own.
pub fn vision() -> [(&'static str, ClipVisionConfig); 2] {
    let gelu = ClipVisionConfig {
        hidden_size: 52,
        intermediate_size: 104,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        image_size: 56,
        patch_size: 14,
        hidden_act: Activation::Gelu,
        layer_norm_eps: 1e-5,
        projection_dim: Some(24),
    };
    let quick_gelu = ClipVisionConfig {
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        image_size: 32,
        patch_size: 8,
        hidden_act: Activation::QuickGelu,
        projection_dim: Some(40),
        ..gelu
    };
    [("gelu", gelu), ("quick_gelu", quick_gelu)]
}

/// The folder `golden/`, with a folder for each golden set.
pub fn data() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}
