//! IP-Adapters, and the image encoders that they need.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use sd_adapters::{ImageAdapterConfig, ImageProjectionConfig, KeysValuesConfig, ProjectionConfig};
use sd_clip::{Activation, ClipVisionConfig};
use sd_golden::{Kind, Tensors, vision, write_tensors, write_weights};
use sd_image::Image;
use sd_model::config::layer_counts;
use sd_model::{ImageAdapterFile, ImageAdapterKind};
use sd_unet::UnetConfig;

use crate::{load, model, read, temporary};

fn config(unet: &UnetConfig, image_width: usize) -> ImageAdapterConfig {
    let (token_width, counts) = (unet.cross_attention_dim, layer_counts(unet));
    let mut channels = vec![0; counts.total()];
    for (place, layer) in counts.run_order().into_iter().zip(unet.attention_layers()) {
        channels[place] = layer.channels;
    }
    let projection = ProjectionConfig::Plain(ImageProjectionConfig { image_width, token_width, tokens: 2 });
    ImageAdapterConfig { projection, keys_values: KeysValuesConfig { token_width, channels, counts } }
}

/// A small vision tower with a projection.
fn tower() -> ClipVisionConfig {
    vision().into_iter().map(|(_, config)| config).find(|config| config.projection_dim.is_some()).unwrap()
}

/// Writes a plain adapter with the names of published ones.
fn write_adapter(unet: &UnetConfig, image_width: usize, file: &Path) {
    let folder = temporary();
    let modules = folder.path().join("modules.safetensors");
    write_weights("sd1", "ip", &config(unet, image_width).init(&Device::flex()), &modules);
    let name = |key: &str| match key.split('.').collect::<Vec<_>>()[..] {
        ["ip_adapter", "layers", layer, part, kind] => {
            format!("ip_adapter.{}.{part}.{kind}", 2 * layer.parse::<usize>().unwrap() + 1)
        }
        _ => key.replace("image_proj.image_embeds", "image_proj.proj"),
    };
    let tensors: Tensors = read(&modules).into_iter().map(|(key, tensor)| (name(&key), tensor)).collect();
    write_tensors(&tensors, file);
}

/// Writes the folder of an image encoder.
fn write_encoder(config: &ClipVisionConfig, folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let json = serde_json::json!({
        "architectures": ["CLIPVisionModelWithProjection"],
        "model_type": "clip_vision_model",
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "hidden_act": match config.hidden_act { Activation::Gelu => "gelu", Activation::QuickGelu => "quick_gelu" },
        "projection_dim": config.projection_dim.unwrap(),
    });
    std::fs::write(folder.join("config.json"), json.to_string()).unwrap();
    write_weights("sd1", "image_encoder", &config.init(&Device::flex()), &folder.join("model.safetensors"));
    folder.to_path_buf()
}

#[test]
fn the_encoder_is_found_where_people_have_it() {
    let tower = tower();
    for place in ["models/image_encoder", "image_encoder", "clip_vision", "model"] {
        let folder = temporary();
        let adapters = folder.path().join("models");
        std::fs::create_dir_all(&adapters).unwrap();
        let file = adapters.join("ip-adapter.safetensors");
        write_adapter(&Kind::Sd1.unet(), tower.embed_dim(), &file);
        let (tiny, mut model) = model(Kind::Sd1);
        let encoder = match place {
            "model" => tiny.path().join("image_encoder"),
            place => folder.path().join(place),
        };
        write_encoder(&tower, &encoder);
        let adapter = ImageAdapterFile::open(&file, None).unwrap();
        assert_eq!(adapter.kind(), ImageAdapterKind::Plain);
        model.add_image_adapter(adapter).unwrap();
        let found = model.image_adapters()[0].encoder().unwrap().canonicalize().unwrap();
        assert!(found.starts_with(encoder.canonicalize().unwrap()), "{place}: {}", found.display());
    }
}

#[test]
fn a_missing_or_wrong_encoder_is_named_with_what_to_do() {
    let (folder, tower) = (temporary(), tower());
    let file = folder.path().join("ip-adapter.safetensors");
    write_adapter(&Kind::Sd1.unet(), 1024, &file);
    let (_tiny, mut model) = model(Kind::Sd1);
    let error = model.add_image_adapter(ImageAdapterFile::open(&file, None).unwrap()).unwrap_err();
    let expected = "its image encoder is not beside it: name the file or the folder of CLIP ViT-H/14, with embeddings of width \
                    1024, as encoder=PATH";
    assert!(error.is_usage() && error.to_string().contains(expected), "{error}");
    // One that does not fit is not taken.
    let encoder = write_encoder(&tower, &folder.path().join("image_encoder"));
    assert!(ImageAdapterFile::open(&file, None).unwrap().encoder().is_none());
    let error = ImageAdapterFile::open(&file, Some(&encoder)).unwrap_err().to_string();
    assert!(
        error.contains(&format!("its width is {}, but", tower.embed_dim())) && error.contains("ViT-H/14"),
        "{error}"
    );
    let error = ImageAdapterFile::open(&file, Some(&folder.path().join("none"))).unwrap_err().to_string();
    assert!(error.contains("no such folder or file"), "{error}");
}

#[test]
fn an_adapter_of_another_family_is_refused() {
    let (folder, tower) = (temporary(), tower());
    let file = folder.path().join("ip-adapter.safetensors");
    write_encoder(&tower, &folder.path().join("image_encoder"));
    let mut other = UnetConfig { cross_attention_dim: 2048, ..Kind::Sdxl.unet() };
    write_adapter(&other, tower.embed_dim(), &file);
    let (_tiny, mut model) = model(Kind::Sd1);
    let error = model.add_image_adapter(ImageAdapterFile::open(&file, None).unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("this IP-Adapter is for Stable Diffusion XL, but the model is Stable Diffusion 1.x"),
        "{error}"
    );
    other = UnetConfig { cross_attention_dim: 768, ..Kind::Sd1.unet() };
    write_adapter(&other, tower.embed_dim(), &file);
    let error = model.add_image_adapter(ImageAdapterFile::open(&file, None).unwrap()).unwrap_err().to_string();
    assert!(error.contains("for another U-Net than the model's, Stable Diffusion 1.x"), "{error}");
    let face = [("image_proj.proj.0.weight".to_string(), (vec![4, 512], vec![0.0; 2048]))];
    write_tensors(&face.into(), &file);
    let error = ImageAdapterFile::open(&file, None).unwrap_err().to_string();
    assert!(error.contains("FaceID") && error.contains("face recogniser"), "{error}");
}

#[test]
fn images_become_keys_and_values_for_each_layer_and_adapters_share_an_encoder() {
    let (folder, tower) = (temporary(), tower());
    let encoder = write_encoder(&tower, &folder.path().join("image_encoder"));
    let files = ["a", "b"].map(|name| folder.path().join(format!("{name}.safetensors")));
    let (_tiny, mut model) = model(Kind::Sd1);
    for file in &files {
        write_adapter(&Kind::Sd1.unet(), tower.embed_dim(), file);
        model.add_image_adapter(ImageAdapterFile::open(file, Some(&encoder)).unwrap()).unwrap();
    }
    assert_eq!(model.add_image_adapter(ImageAdapterFile::open(&files[0], Some(&encoder)).unwrap()).unwrap(), 0);
    let adapters = load(&model).image_adapters;
    assert_eq!(adapters.len(), 2);
    assert!(std::sync::Arc::ptr_eq(&adapters[0].encoder, &adapters[1].encoder));
    let image = |brightness: u8| Image { width: 20, height: 30, rgb: vec![brightness; 3 * 20 * 30] };
    let tokens = adapters[0].prompt(&[image(10), image(200)]);
    let layers = Kind::Sd1.unet().attention_layers();
    for side in [&tokens.positive, &tokens.negative] {
        assert_eq!(side.len(), layers.len());
        for ((keys, values), layer) in side.iter().zip(&layers) {
            assert_eq!((keys.dims(), values.dims()), ([1, 4, layer.channels], [1, 4, layer.channels]));
        }
    }
    // No image is the same whatever the images are, and an image does not depend on those beside it.
    let other = adapters[0].prompt(&[image(10)]);
    let first = |tokens: &(burn::tensor::Tensor<3>, burn::tensor::Tensor<3>)| tokens.0.clone().slice_dim(1, 0..2);
    let apart = |a: &(_, _), b: &(_, _)| (first(a) - first(b)).abs().max().into_scalar::<f32>();
    assert!(apart(&tokens.negative[0], &other.negative[0]) == 0.0);
    assert!(
        apart(&tokens.positive[0], &other.positive[0]) < 1e-5 && apart(&tokens.positive[0], &tokens.negative[0]) > 1e-2
    );
}
