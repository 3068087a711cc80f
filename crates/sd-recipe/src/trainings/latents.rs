use std::fs;
use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use sd_model::config::{Json, vae_config};
use sd_pipeline::{read_tensor, write_tensor};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};

use super::folder::weights;
use crate::event::{Measured, busy};
use crate::files::files;
use crate::fingerprint::Fingerprint;
use crate::{Dataset, Event, Recipe, RecipeError, Watch};

/// Reads the autoencoder's config.
pub(super) fn read_config(folder: &Path) -> Result<AutoencoderKlConfig, RecipeError> {
    Ok(Json::read(&folder.join("config.json"))?.loosely(&mut Vec::new(), vae_config)?.0)
}

/// Number of images that are encoded or decoded at once: 32 of 64×64 pixels, fewer of larger ones, to be stopped soon.
pub(super) fn images_at_once(size: usize) -> usize {
    (32 * 64 * 64 / (size * size)).clamp(1, 32)
}

/// Returns the means of the latents of images of each size, `[images, channels, height, width]`. They are kept in the output folder under
/// a name that begins with `name` and depends on the autoencoder and on the images' `fingerprint`.
pub(super) fn latents(
    recipe: &Recipe,
    name: &str,
    buckets: &[Dataset],
    fingerprint: &str,
    vae: &Path,
    device: &Device,
    watch: &mut Watch,
) -> Result<Vec<Tensor<4>>, RecipeError> {
    const ENCODING: &str = "encoding the images";
    let total: usize = buckets.iter().map(Dataset::len).sum();
    busy(watch, ENCODING, 0, total)?;
    let config = read_config(vae)?;
    let (channels, factor) = (config.latent_channels, config.factor());
    let shape = |images: &Dataset| [images.len(), channels, images.height / factor, images.width / factor];
    let shapes: Vec<[usize; 4]> = buckets.iter().map(shape).collect();
    let version = Fingerprint::default().with(fingerprint.as_bytes()).with_folder(vae)?.name();
    let file = recipe.output.join(format!("{name}-{version}.safetensors"));
    // Those of several sizes are one after the other.
    let stored = match &shapes[..] {
        [shape] => shape.to_vec(),
        _ => vec![shapes.iter().map(|shape| shape.iter().product::<usize>()).sum()],
    };
    if let Ok((mut values, found)) = read_tensor(&file, "latents")
        && found == stored
    {
        let take = |shape: &[usize; 4]| {
            let rest = values.split_off(shape.iter().product());
            let own = std::mem::replace(&mut values, rest);
            Tensor::from_data(TensorData::new(own, *shape), device)
        };
        return Ok(shapes.iter().map(take).collect());
    }
    let vae = weights(vae)?.load(config.init(device), FloatDType::F32)?;
    if recipe.rehearsal_of.is_some() {
        return rehearse(&vae, buckets, watch);
    }
    let (mut latents, mut done) = (Vec::new(), 0);
    for images in buckets {
        let mut shifted = |event: &Event| match event {
            Event::Busy { what, done: of_these, .. } => watch(&Event::Busy { what, done: done + of_these, total }),
            event => watch(event),
        };
        latents.push(encode(&vae, images, images.len(), ENCODING, &mut shifted)?);
        done += images.len();
    }
    let values: Vec<f32> =
        latents.iter().flat_map(|latents: &Tensor<4>| latents.to_data().iter().collect::<Vec<f32>>()).collect();
    // Latents of other images are not used any more.
    let is_latents = |file: &str| file.starts_with(&format!("{name}-")) && file.ends_with(".safetensors");
    let mut old = files(&recipe.output)?;
    old.retain(|file| file.file_name().and_then(|name| name.to_str()).is_some_and(is_latents));
    old.iter().try_for_each(|file| fs::remove_file(file).map_err(RecipeError::io(file)))?;
    write_tensor(&file, "latents", &values, &stored)?;
    Ok(latents)
}

/// Encodes a few images of each size in the place of all, and reports how long all would take.
fn rehearse(vae: &AutoencoderKl, buckets: &[Dataset], watch: &mut Watch) -> Result<Vec<Tensor<4>>, RecipeError> {
    let mut latents = Vec::new();
    for images in buckets {
        let (all, started) = (images.len(), Instant::now());
        let count = images_at_once(images.width.max(images.height)).min(all);
        let some = encode(vae, images, count, "encoding a few images", watch)?;
        let _ = some.to_data();
        let seconds = started.elapsed().as_secs_f64() * all as f64 / count as f64;
        let _ = watch(&Event::Measured(Measured::Encoding { seconds }));
        latents.push(Tensor::cat(vec![some; all.div_ceil(count)], 0).narrow(0, 0, all));
    }
    Ok(latents)
}

/// Returns the means of the latents of the first `count` images; `what` names their purpose in events.
pub(super) fn encode(
    vae: &AutoencoderKl,
    images: &Dataset,
    count: usize,
    what: &'static str,
    watch: &mut Watch,
) -> Result<Tensor<4>, RecipeError> {
    let (device, at_once) = (vae.devices().remove(0), images_at_once(images.width.max(images.height)));
    let mut parts = Vec::new();
    for first in (0..count).step_by(at_once) {
        busy(watch, what, first, count)?;
        parts.push(vae.encode(images.tensor(first, at_once.min(count - first), &device)).mean());
    }
    Ok(Tensor::cat(parts, 0))
}
