//! What commands read: images, from files or from standard input for `-`, and latents.

use std::io::{Read, stdin};
use std::path::Path;

use sd_image::{Image, Mask};
use sd_pipeline::{Error, Latents, read_tensor};

use crate::failure::Failure;

/// Reads an image.
pub fn read_image(path: &Path) -> Result<Image, Failure> {
    read_with_alpha(path).map(|(image, _)| image)
}

/// Reads an image, and its alpha channel as a mask of what is transparent.
pub fn read_with_alpha(path: &Path) -> Result<(Image, Option<Mask>), Failure> {
    if path != Path::new("-") {
        return Ok(Image::read_with_alpha(path)?);
    }
    let mut bytes = Vec::new();
    let read = stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("standard input: {error}")))?;
    Image::decode_with_alpha(&bytes).map_err(|error| Failure::new(format!("standard input: {error}")))
}

/// Reads the tensor `latents` of a safetensors file, which a flag names.
pub fn read_latents(flag: &str, file: &Path) -> Result<Latents, Failure> {
    let read = read_tensor(file, "latents").map_err(Error::from);
    let (values, shape) = read.map_err(|error| Failure::from(error).with_flag(flag))?;
    let shape = shape.try_into().map_err(|shape| {
        let reason = format!("its `latents` is {shape:?}, expected [1, 4, height/8, width/8]");
        Failure::usage(format!("{flag} {}: {reason}", file.display()))
    })?;
    Ok(Latents { values, shape })
}
