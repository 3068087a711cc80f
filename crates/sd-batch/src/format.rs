//! Formats by the extensions of their files, as queues and folders have them.

use std::mem::discriminant;

use sd_image::Format;

/// The extension of a format's files.
pub fn extension(format: Format) -> &'static str {
    let is_same = |(_, other): &&(&'static str, Format)| discriminant(other) == discriminant(&format);
    Format::EXTENSIONS.iter().find(is_same).map_or("png", |(extension, _)| extension)
}

/// The format of files with an extension; none is unknown.
#[cfg(feature = "nats")]
pub fn from_extension(extension: &str) -> Option<Format> {
    Format::EXTENSIONS.into_iter().find(|(known, _)| *known == extension).map(|(_, format)| format)
}
