//! The examples, run on tiny models.

use std::fs;
use std::path::Path;

use sd_burn::{Device, Image};
use sd_golden::{Kind, TinyModel, noise, write_tensors, write_weights};

#[path = "../examples/batch.rs"]
mod batch;
#[path = "../examples/control.rs"]
mod control;
#[path = "../examples/image_to_image.rs"]
mod image_to_image;
#[path = "../examples/image_to_latents.rs"]
mod image_to_latents;
#[path = "../examples/inpaint.rs"]
mod inpaint;
#[path = "../examples/lora_sweep.rs"]
mod lora_sweep;
#[path = "../examples/own_network.rs"]
mod own_network;
#[path = "../examples/own_sampler.rs"]
mod own_sampler;
#[path = "../examples/previews.rs"]
mod previews;
#[path = "../examples/reused_embeddings.rs"]
mod reused_embeddings;
#[path = "../examples/text_to_image.rs"]
mod text_to_image;
#[path = "../examples/training_loop.rs"]
mod training_loop;
#[path = "../examples/unet_forward.rs"]
mod unet_forward;

fn pngs(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.ends_with(".png")).collect();
    names.sort();
    names
}

#[test]
fn images_are_drawn_by_every_example() {
    let (model, folder) = (TinyModel::new(Kind::Sd1), tempfile::tempdir().unwrap());
    let (model, folder) = (model.path(), folder.path());
    text_to_image::text_to_image(model, &folder.join("image.png")).unwrap();
    own_sampler::own_sampler(model, &folder.join("own.png")).unwrap();
    image_to_latents::image_to_latents(model, &folder.join("image.png"), &folder.join("again.png")).unwrap();
    assert_eq!(pngs(folder), ["again.png", "image.png", "own.png"]);

    let folder = tempfile::tempdir().unwrap();
    reused_embeddings::reused_embeddings(model, folder.path()).unwrap();
    let names = ["a red house 0.png", "a red house 1.png", "two blue boats 0.png", "two blue boats 1.png"];
    assert_eq!(pngs(folder.path()), names);

    let folder = tempfile::tempdir().unwrap();
    batch::batch(model, folder.path()).unwrap();
    assert_eq!(pngs(folder.path()), ["1.png", "2.png", "3.png"]);

    let folder = tempfile::tempdir().unwrap();
    previews::previews(model, folder.path()).unwrap();
    // PLMS, which this model names, makes a call more than it has steps.
    assert_eq!(pngs(folder.path()).len(), 12);
}

#[test]
fn images_are_changed() {
    let (model, folder) = (TinyModel::new(Kind::Sd1), tempfile::tempdir().unwrap());
    let [old, mask, new] = ["old.png", "mask.png", "new.png"].map(|name| folder.path().join(name));
    // The right half of the mask is white.
    let halves = (0..3 * 64 * 64).map(|i| if i / 3 % 64 < 32 { 0 } else { 255 }).collect();
    Image { width: 64, height: 64, rgb: halves }.save(&mask).unwrap();
    Image { width: 64, height: 64, rgb: (0..3 * 64 * 64).map(|i| (i / 64) as u8).collect() }.save(&old).unwrap();
    let changed = || {
        let [old, new] = [&old, &new].map(|file| Image::read(file).unwrap().rgb);
        let halves = [0, 32].map(|left| (0..old.len()).filter(move |i| (left..left + 32).contains(&(i / 3 % 64))));
        halves.map(|mut half| half.any(|i| old[i] != new[i]))
    };
    image_to_image::image_to_image(model.path(), &old, &new).unwrap();
    assert_eq!(changed(), [true, true]);
    inpaint::inpaint(model.path(), &old, &mask, &new).unwrap();
    assert_eq!(changed(), [false, true]);
}

#[test]
fn a_lora_is_swept() {
    let (model, folder) = (TinyModel::new(Kind::Sd1), tempfile::tempdir().unwrap());
    let lora = folder.path().join("lora.safetensors");
    let (name, device) = ("lora_unet_mid_block_attentions_0_proj_in", Device::flex());
    let channels = Kind::Sd1.unet().levels.last().unwrap().channels;
    let values =
        |name: &str, shape: [usize; 2]| noise::<2>(name, shape, &device).into_data().try_to_vec::<f32>().unwrap();
    let tensors = [
        (format!("{name}.lora_down.weight"), (vec![2, channels], values("down", [2, channels]))),
        (format!("{name}.lora_up.weight"), (vec![channels, 2], values("up", [channels, 2]))),
    ];
    write_tensors(&tensors.into_iter().collect(), &lora);
    lora_sweep::lora_sweep(model.path(), &lora, folder.path()).unwrap();
    let images = ["0", "0.5", "1"].map(|scale| Image::read(folder.path().join(format!("scale-{scale}.png"))).unwrap());
    assert!(images[0] != images[1] && images[1] != images[2]);
}

#[test]
fn networks_alone_work() {
    let mean = own_network::own_network().unwrap();
    assert!((mean - 0.5).abs() < 1e-3, "{mean}");
    assert_eq!(unet_forward::unet_forward(TinyModel::new(Kind::Sd1).path()).unwrap(), [1, 4, 8, 8]);
}

#[test]
fn a_training_learns() {
    let folder = tempfile::tempdir().unwrap();
    let losses = training_loop::training_loop(&folder.path().join("unet.safetensors"), 60).unwrap();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[50..]) < 0.8 * mean(&losses[..10]), "{losses:?}");
    assert!(folder.path().join("unet.safetensors").is_file());
}

#[test]
fn edges_steer_a_drawing() {
    let (model, folder) = (TinyModel::new(Kind::Sd1), tempfile::tempdir().unwrap());
    let [network, image, drawn] =
        ["network.safetensors", "image.png", "drawn.png"].map(|name| folder.path().join(name));
    write_weights("sd1", "controlnet", &Kind::Sd1.control().init(&Device::flex()), &network);
    let half = |i: usize| if i % 80 < 40 { [250, 200, 20] } else { [20, 40, 90] };
    Image { width: 80, height: 60, rgb: (0..80 * 60).flat_map(half).collect() }.save(&image).unwrap();
    control::control(model.path(), &network, &image, &drawn).unwrap();
    let drawn = Image::read(&drawn).unwrap();
    assert_eq!((drawn.width, drawn.height), (64, 64));
}
