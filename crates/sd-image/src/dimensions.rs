use std::io::Cursor;

use image::ImageReader;

use crate::{Image, ImageError};

impl Image {
    /// Reads width and height of a PNG, JPEG or WebP file as they are stored, before [orientation](Self::read), without decoding the
    /// pixels: a small file can hold a very large image.
    ///
    /// # Errors
    ///
    /// [`ImageError::Bytes`] if the file's beginning is not that of such an image.
    pub fn dimensions(bytes: &[u8]) -> Result<(usize, usize), ImageError> {
        let wrong = |error: &dyn std::fmt::Display| ImageError::Bytes(error.to_string().replace('\n', " "));
        let format = image::guess_format(bytes).map_err(|_| wrong(&"it is not a PNG, JPEG or WebP image"))?;
        let (width, height) =
            ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(|error| wrong(&error))?;
        Ok((width as usize, height as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_how_large_an_image_is() {
        let image = Image { width: 3, height: 2, rgb: vec![7; 18] };
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 3, 2);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&image.rgb).unwrap();
        // Signature, header, and where the pixels begin: they need not be there.
        let header = 8 + 25 + 8;
        assert_eq!(Image::dimensions(&file[..header]).unwrap(), (3, 2));
        for bytes in [&b""[..], b"hello", &file[..20]] {
            assert!(Image::dimensions(bytes).is_err());
        }
    }
}
