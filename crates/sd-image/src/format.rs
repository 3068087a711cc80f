use std::path::Path;

use sd_files::Destination;

use crate::ImageError;

/// How an image is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// PNG, which keeps every pixel.
    #[default]
    Png,
    /// JPEG, which is smaller and changes pixels.
    Jpeg {
        /// From 1, the smallest file, to 100, the best image.
        quality: u8,
    },
    /// WebP without loss, which keeps every pixel.
    WebP,
}

impl Format {
    /// JPEG with the quality of AUTOMATIC1111's files, 80.
    pub const JPEG: Self = Self::Jpeg { quality: 80 };

    /// The extensions of files, in lower case, each with its format.
    pub const EXTENSIONS: [(&str, Self); 4] =
        [("png", Self::Png), ("jpg", Self::JPEG), ("jpeg", Self::JPEG), ("webp", Self::WebP)];

    /// Returns the format that a file's extension names. A pipe or a device without such an extension gets a PNG.
    ///
    /// # Errors
    ///
    /// [`ImageError::Image`] for other extensions, and [`ImageError::Io`] for a path that cannot be followed.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        if let Some((_, format)) = Self::EXTENSIONS.into_iter().find(|(name, _)| extension.as_deref() == Some(*name)) {
            return Ok(format);
        }
        match Destination::from_path(path) {
            Ok(Destination::Stream(_)) => Ok(Self::Png),
            Ok(Destination::File(_)) => Err(ImageError::Image {
                file: path.to_path_buf(),
                reason: "images are PNG, JPEG or WebP files: use a name that ends in .png, .jpg or .webp".into(),
            }),
            Err(source) => Err(ImageError::Io { file: path.to_path_buf(), source }),
        }
    }

    /// Returns the media type, such as `image/png`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg { .. } => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}
