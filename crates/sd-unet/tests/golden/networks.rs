//! Each U-Net of the tiny models against the reference, on every backend of this build: relative error at most 1e-4.

use sd_golden::{Kind, TinyModel, assert_close, data, ddpm, devices, later_ddpm, noise};
use sd_ops::lay_out;
use sd_unet::{AddedConditions, Conditions};

fn check(kind: Kind) {
    let (model, expected) = (TinyModel::new(kind), kind.data().join("expected/networks.safetensors"));
    for (name, device) in devices() {
        let unet = lay_out(model.load("unet", kind.unet().init(&device)));
        let added = AddedConditions {
            text_embeds: noise("text_embeds", [2, 40], &device),
            time_ids: vec![vec![64.0, 96.0, 0.0, 8.0, 64.0, 96.0]; 2],
        };
        let context = noise("context", [2, 7, kind.unet().cross_attention_dim], &device);
        let conditions = Conditions::new(context);
        let conditions = if kind == Kind::Sdxl { conditions.with_added(added) } else { conditions };
        let out = unet.forward(noise("x", [2, 4, 8, 12], &device), &[981.0, 21.0], &conditions);
        assert_close(out, &expected, "unet", name);
    }
}

#[test]
fn the_u_net_of_a_tiny_sd1_matches_the_reference() {
    check(Kind::Sd1);
}

#[test]
fn the_u_net_of_a_tiny_sd2_matches_the_reference() {
    check(Kind::Sd2v);
}

#[test]
fn the_u_net_of_a_tiny_sdxl_matches_the_reference() {
    check(Kind::Sdxl);
}

#[test]
fn the_networks_of_a_tiny_ddpm_match_the_reference() {
    let (model, expected) = (TinyModel::ddpm(), data().join("models/ddpm/expected/networks.safetensors"));
    for (name, device) in devices() {
        for (part, config) in [("unet", ddpm()), ("later", later_ddpm())] {
            let unet = model.load(part, config.init(&device));
            let out = unet.forward(noise("x", [2, 3, 32, 16], &device), &[981.0, 21.0]);
            assert_close(out, &expected, part, name);
        }
    }
}
