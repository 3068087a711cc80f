//! Files that hold no supported network.

use sd_golden::{Kind, Tensors, TinyModel, write_tensors};
use sd_upscale::Upscaler;

/// The message about a file with tensors of these names and shapes.
fn refusal(tensors: &[(&str, &[usize])]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.safetensors");
    let tensor =
        |(key, shape): &(&str, &[usize])| (key.to_string(), (shape.to_vec(), vec![0.0; shape.iter().product()]));
    write_tensors(&tensors.iter().map(tensor).collect::<Tensors>(), &file);
    let message = Upscaler::open(&file).unwrap_err().to_string();
    assert!(message.starts_with(&file.display().to_string()) && message.lines().count() == 1, "{message}");
    message
}

#[test]
fn other_networks_are_refused_by_name() {
    for (key, kind) in [
        ("layers.0.residual_group.blocks.0.attn.proj.weight", "a SwinIR network"),
        ("layers.0.blocks.0.attn.channel_interaction.1.weight", "a DAT network"),
        ("body.0.body.0.body.3.conv_du.0.weight", "an RCAN network"),
        ("lora_unet_mid.alpha", "a LoRA"),
        ("something.weight", "a network of an unknown kind, with tensors such as conv_first.weight, something.weight"),
    ] {
        let message = refusal(&[("conv_first.weight", &[8, 3, 3, 3]), (key, &[1])]);
        assert!(message.contains(&format!("this is {kind}: use a network of ESRGAN")), "{message}");
    }
    let model = TinyModel::new(Kind::Sd1);
    let message = Upscaler::open(model.path().join("unet/diffusion_pytorch_model.safetensors")).unwrap_err();
    assert!(message.to_string().contains("a network of a diffusion model"), "{message}");
}

#[test]
fn networks_for_other_images_are_refused() {
    let first_block: (&str, &[usize]) = ("body.0.rdb1.conv1.weight", &[4, 8, 3, 3]);
    let grey: [(&str, &[usize]); 3] =
        [("conv_first.weight", &[8, 1, 3, 3]), first_block, ("conv_last.weight", &[1, 8, 3, 3])];
    assert!(refusal(&grey).contains("it makes 1 channels of 1"), "{}", refusal(&grey));
    let smaller: [(&str, &[usize]); 3] =
        [("conv_first.weight", &[8, 12, 3, 3]), first_block, ("conv_last.weight", &[3, 8, 3, 3])];
    assert!(refusal(&smaller).contains("halves the image 1 times and doubles it 0 times"), "{}", refusal(&smaller));
}
