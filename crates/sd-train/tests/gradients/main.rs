//! The gradients of every kind of block of the networks against central differences, in double precision.
//!
//! About a second in all.

mod direction;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use direction::{check, in_double_precision, random};
use sd_clip::{Activation, ClipTextConfig};
use sd_train::tasks::PseudoWord;
use sd_train::{AdapterConfig, AdapterKind, Adapters, Targets};
use sd_unet::{
    Conditions, ControlNet, ControlNetConfig, Hint, Residuals, UnconditionalLevel, UnconditionalUnetConfig, UnetConfig,
    UnetLevel, UnionConfig,
};
use sd_vae::AutoencoderKlConfig;
use sd_weights::Component;

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
fn a_control_net_learns_along_its_gradients() {
    let device = Device::flex();
    let (x, context) = (random([2, 2, 5, 6], 1, &device), random([2, 3, 6], 2, &device));
    let (first, second): (Tensor<4>, Tensor<4>) =
        (random([1, 3, 20, 24], 5, &device), random([2, 3, 20, 24], 6, &device));
    let plain = ControlNetConfig::new(unet()).with_hint_widths(vec![2, 3, 4]);
    let shared = [
        "conv_in",
        "time_embedding.linear_1",
        "controlnet_cond_embedding.conv_in",
        "controlnet_cond_embedding.blocks.0",
        "controlnet_cond_embedding.blocks.1",
        "controlnet_cond_embedding.conv_out",
        "attn2.to_k",
        "down_blocks.0.",
        "down_blocks.1.",
        "mid_block.",
        "controlnet_down_blocks.0",
        "controlnet_down_blocks.3",
        "controlnet_mid_block",
    ];
    let of_union = [
        "control_add_embedding",
        "task_embedding",
        "attn.in_proj_weight",
        "attn.in_proj_bias",
        "attn.out_proj",
        "ln_1",
        "mlp.c_fc",
        "mlp.c_proj",
        "ln_2",
        "spatial_ch_projs",
    ];
    let residuals = |network: &ControlNet, hints: &[Hint]| {
        let Residuals { skips, mid } = network.forward(x.clone(), &[3.0, 700.0], &context.clone().into(), hints);
        skips.into_iter().chain([mid]).map(project).reduce(|sum, next| sum + next).expect("a middle")
    };
    check(plain.init(&device.clone().autodiff()), &shared, |network| {
        residuals(network, &[Hint::new(network.embed(first.clone()))])
    });
    let union = plain.with_union(Some(UnionConfig { kinds: 3, layers: 1, time_embed_dim: 4 }));
    check(union.init(&device.autodiff()), &[&shared[..], &of_union].concat(), |network| {
        let [first, second] = [&first, &second].map(|hint| Hint::new(network.embed(hint.clone())));
        residuals(network, &[first.with_kind(2).with_scale(0.5), second.with_kind(0)])
    });
}

/// As in a training: the U-Net has no gradients of its own.
#[test]
fn a_control_net_learns_along_its_gradients_through_a_frozen_u_net() {
    let device = Device::flex();
    let (x, context) = (random([2, 2, 5, 6], 1, &device), random([2, 3, 6], 2, &device));
    let hint = random([2, 3, 10, 12], 3, &device);
    let frozen = in_double_precision(unet().init(&device.clone().autodiff())).valid();
    let network = ControlNetConfig::new(unet()).with_hint_widths(vec![4, 6]).init(&device.autodiff());
    let parts = ["controlnet_cond_embedding", "controlnet_down_blocks", "controlnet_mid_block", "time_embedding"];
    check(network, &parts, |network| {
        let conditions = Conditions::new(context.clone());
        let hint = Hint::new(network.embed(hint.clone()));
        let residuals = network.forward(x.clone(), &[3.0, 700.0], &conditions, &[hint]);
        project(frozen.forward(x.clone(), &[3.0, 700.0], &conditions.with_residuals(residuals)))
    });
}

/// Of every kind and every layer, with the matrices of each layer apart.
#[test]
fn adapters_learn_along_their_gradients_through_a_frozen_u_net() {
    let device = Device::flex();
    let (x, context) = (random([2, 2, 5, 6], 1, &device), random([2, 3, 6], 2, &device));
    let frozen = in_double_precision(unet().init(&device.clone().autodiff())).valid();
    let cases: [(AdapterKind, &[&str]); 4] = [
        (AdapterKind::Lora, &["factors.0", "factors.1"]),
        (AdapterKind::Dora, &["factors.0", "factors.1", "magnitude"]),
        (AdapterKind::LoHa, &["factors.0", "factors.1", "factors.2", "factors.3"]),
        (AdapterKind::LoKr, &["factors.0", "factors.1", "factors.2"]),
    ];
    for (kind, parts) in cases {
        let config = AdapterConfig::new(1, 0.7).with_kind(kind).with_targets(Targets::All);
        let adapters = Adapters::new(&frozen, Component::Unet, config, 1, &device.clone().autodiff());
        check(adapters, parts, |adapters| {
            project(adapters.apply(&frozen).forward(x.clone(), &[3.0, 700.0], &context.clone().into()))
        });
    }
}

#[test]
fn adapters_learn_along_their_gradients_through_a_frozen_text_encoder() {
    let device = Device::flex();
    let frozen = in_double_precision(text(Activation::QuickGelu).init(&device.clone().autodiff())).valid();
    let config = AdapterConfig::new(2, 2.0).with_targets(Targets::All);
    let adapters = Adapters::new(&frozen, Component::TextEncoder, config, 1, &device.autodiff());
    let prompts = [vec![6, 1, 2, 0], vec![6, 3, 3, 0]];
    check(adapters, &["factors.0", "factors.1"], |adapters| project(adapters.apply(&frozen).forward(&prompts).last));
}

/// A word of two vectors, whole, out of order and beside itself.
#[test]
fn a_pseudo_word_learns_along_its_gradients_through_a_frozen_model() {
    let device = Device::flex();
    let config = ClipTextConfig { hidden_size: 6, ..text(Activation::QuickGelu) };
    let frozen_text = in_double_precision(config.init(&device.clone().autodiff())).valid();
    let frozen_unet = in_double_precision(unet().init(&device.clone().autodiff())).valid();
    let prompts = [vec![6, 7, 8, 0], vec![8, 3, 7, 7]];
    let x = random([2, 2, 5, 6], 1, &device);
    check(PseudoWord::new(&frozen_text, &[1], 2, &device.autodiff()), &["vectors"], |word| {
        let context = frozen_text.forward_with_tokens(&prompts, word.vectors()).last;
        project(frozen_unet.forward(x.clone(), &[3.0, 700.0], &context.into()))
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

fn text(hidden_act: Activation) -> ClipTextConfig {
    ClipTextConfig {
        vocab_size: 7,
        hidden_size: 8,
        intermediate_size: 12,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        max_position_embeddings: 4,
        hidden_act,
        ..ClipTextConfig::sd1()
    }
}

#[test]
fn the_text_encoder_learns_along_its_gradients() {
    let parts =
        ["token_embedding", "position_embedding", "layer_norm1", "q_proj", "k_proj", "v_proj", "fc1", "fc2", "final"];
    let prompts = [vec![6, 1, 2, 0], vec![6, 3, 3, 0]];
    for activation in [Activation::QuickGelu, Activation::Gelu] {
        check(text(activation).init(&Device::flex().autodiff()), &parts, |text| project(text.forward(&prompts).last));
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
