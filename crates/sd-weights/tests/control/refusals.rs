use sd_golden::Tensors;

use crate::recognise;

#[test]
fn other_files_are_named_with_what_to_do() {
    for (key, expected) in [
        ("lora_unet_down_blocks_0.lora_up.weight", "a LoRA: give it as `lora`"),
        ("unet.down_blocks.0.attn.lora_A.weight", "a LoRA"),
        ("ip_adapter.1.to_k_ip.weight", "an IP-Adapter: give it as `image_prompt`"),
        ("model.diffusion_model.input_blocks.0.0.weight", "a Stable Diffusion checkpoint: it is no control network"),
        ("up_blocks.0.resnets.0.conv1.weight", "a U-Net"),
        ("lllite_unet_input_blocks_4.down.0.weight", "a ControlNet-LLLite: it is not supported"),
        ("style_embedding", "the style adapter of T2I-Adapter"),
        ("controlnet_blocks.0.weight", "Flux or Stable Diffusion 3: only control networks for Stable Diffusion 1.x"),
        (
            "down_blocks.0.motion_modules.0.norm.weight",
            "a SparseCtrl network or a motion module: video is not supported",
        ),
        ("string_to_param.*", "an embedding of new words: give it as `embedding`"),
        ("text_model.encoder.layers.0.mlp.fc1.weight", "a text encoder"),
        ("x", "a file with x: no control network has these names"),
    ] {
        let (_folder, found) = recognise(&[(key.to_string(), (vec![1], vec![0.0]))].into());
        let error = found.unwrap_err().to_string();
        assert!(error.contains("control.safetensors: this is ") && error.contains(expected), "{error}");
    }
    let (_folder, found) = recognise(&Tensors::new());
    assert!(found.unwrap_err().to_string().contains("no weights at all"));
}

#[test]
fn a_controlnet_for_video_is_refused() {
    for module in
        ["down_blocks.0.motion_modules.0.norm.weight", "down_blocks.0.resnets.0.temporal_res_block.norm1.weight"]
    {
        let keys = ["controlnet_cond_embedding.conv_in.weight", module];
        let (_folder, found) = recognise(&keys.map(|key| (key.to_string(), (vec![1], vec![0.0]))).into());
        assert!(found.unwrap_err().to_string().contains("video is not supported"), "{module}");
    }
}
