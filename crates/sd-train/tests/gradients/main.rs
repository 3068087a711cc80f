//! The gradients of every kind of block of the networks against central differences, in double precision.
//!
//! About a second in all.

mod direction;

use burn::tensor::{Device, Tensor};
use direction::{check, random};
use sd_clip::{Activation, ClipTextConfig};
use sd_unet::{UnconditionalLevel, UnconditionalUnetConfig, UnetConfig, UnetLevel};
use sd_vae::AutoencoderKlConfig;

/// A network's output in a random direction.
fn project<const D: usize>(output: Tensor<D>) -> Tensor<1> {
    let direction = random(output.dims(), 50, &Device::flex());
    (output * direction).sum()
}

fn unet() -> UnetConfig {
    let level = |channels| UnetLevel::even(channels, 1, 1, 2);
    UnetConfig {
        levels: vec![level(4), level(8)],
        norm_num_groups: 2,
        cross_attention_dim: 6,
        in_channels: 2,
        out_channels: 2,
        ..UnetConfig::sd1()
    }
}

/// An odd height, so that a level is not exactly twice the next.
#[test]
fn the_u_net_learns_along_its_gradients() {
    let device = Device::flex();
    let (x, context) = (random([2, 2, 5, 6], 1, &device), random([2, 3, 6], 2, &device));
    let parts = [
        "conv_in",
        "time_embedding.linear_1",
        "time_embedding.linear_2",
        "resnets.0.norm1",
        "resnets.0.conv1",
        "time_emb_proj",
        "resnets.0.conv2",
        "conv_shortcut",
        "attentions.0.norm",
        "proj_in",
        "attn1.to_q",
        "attn1.to_k",
        "attn1.to_v",
        "attn1.to_out",
        "attn2.to_q",
        "attn2.to_k",
        "attn2.to_v",
        "norm3",
        "ff.proj",
        "ff.out",
        "down_blocks.0.",
        "downsamplers",
        "down_blocks.1.",
        "mid_block.",
        "up_blocks.0.",
        "upsamplers",
        "up_blocks.1.",
        "conv_norm_out",
        "conv_out",
    ];
    check(unet().init(&device.autodiff()), &parts, |unet| {
        project(unet.forward(x.clone(), &[3.0, 700.0], &context.clone().into()))
    });
}

#[test]
fn the_u_net_on_pixels_learns_along_its_gradients() {
    let device = Device::flex();
    let x = random([2, 3, 4, 6], 1, &device);
    let level = |channels| UnconditionalLevel { channels, down_attention: true, up_attention: true };
    for (downsample_padding, attention_head_dim) in [(0, None), (1, Some(2))] {
        let config = UnconditionalUnetConfig {
            levels: vec![level(4), level(8)],
            layers_per_block: 1,
            norm_num_groups: 2,
            downsample_padding,
            attention_head_dim,
            ..UnconditionalUnetConfig::ddpm_cifar10()
        };
        let parts = [
            "conv_in",
            "time_embedding.linear_1",
            "attentions.0.group_norm",
            "attentions.0.to_q",
            "attentions.0.to_k",
            "attentions.0.to_v",
            "attentions.0.to_out",
            "down_blocks.0.",
            "downsamplers",
            "mid_block.",
            "up_blocks.1.",
            "conv_out",
        ];
        check(config.init(&device.clone().autodiff()), &parts, |unet| project(unet.forward(x.clone(), &[3.0, 700.0])));
    }
}

#[test]
fn the_text_encoder_learns_along_its_gradients() {
    let config = |hidden_act| ClipTextConfig {
        vocab_size: 7,
        hidden_size: 8,
        intermediate_size: 12,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        max_position_embeddings: 4,
        hidden_act,
        ..ClipTextConfig::sd1()
    };
    let parts =
        ["token_embedding", "position_embedding", "layer_norm1", "q_proj", "k_proj", "v_proj", "fc1", "fc2", "final"];
    let prompts = [vec![6, 1, 2, 0], vec![6, 3, 3, 0]];
    for activation in [Activation::QuickGelu, Activation::Gelu] {
        check(config(activation).init(&Device::flex().autodiff()), &parts, |text| project(text.forward(&prompts).last));
    }
}

fn vae() -> AutoencoderKlConfig {
    AutoencoderKlConfig {
        block_out_channels: vec![4, 8],
        layers_per_block: 1,
        latent_channels: 2,
        norm_num_groups: 2,
        ..AutoencoderKlConfig::sd()
    }
}

#[test]
fn the_encoder_learns_along_its_gradients() {
    let image = random([2, 3, 6, 4], 3, &Device::flex());
    let parts = ["encoder.conv_in", "down_blocks.0.", "downsamplers", "encoder.mid_block", "encoder.conv_out"];
    check(vae().init(&Device::flex().autodiff()), &parts, |vae| {
        let posterior = vae.encode(image.clone());
        project(posterior.mean() + posterior.std())
    });
}

#[test]
fn the_decoder_learns_along_its_gradients() {
    let latents = random([2, 2, 3, 2], 4, &Device::flex());
    check(vae().init(&Device::flex().autodiff()), &["decoder.", "upsamplers"], |vae| {
        project(vae.decode(latents.clone()))
    });
}
