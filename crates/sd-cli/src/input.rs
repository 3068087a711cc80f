//! Images that commands read: files, or standard input for `-`.

use std::io::{Read, stdin};
use std::path::Path;

use sd_image::{Image, Mask};

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
