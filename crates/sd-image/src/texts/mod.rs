mod comment;
mod exif;
mod png;

pub use self::exif::exif_of;
use self::png::text_of;
use crate::containers::{jpeg_segments, png_chunks, webp_chunks};

/// The most bytes of texts that are kept of an image.
const MOST: usize = 64 << 20;

/// The texts of an image file, each with its keyword.
///
/// [`Image::encode`](crate::Image::encode) writes them, and other programs do:
///
/// - `parameters` is AUTOMATIC1111's: a text of a PNG file, or the user's comment of EXIF data;
/// - `prompt` and `workflow` are ComfyUI's: texts of a PNG file, or `prompt:{…}` and `workflow:{…}` in EXIF data, where they are
///   the camera's model and maker;
/// - other EXIF texts have their tag's name, such as `Software`; a JPEG file's comment is `comment`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(Vec<(String, String)>);

impl Texts {
    /// Reads the texts of a PNG, JPEG or WebP file, whose pixels are not decoded. Other bytes have none, and of a damaged file
    /// the readable texts are kept. Texts are read up to 64 MiB, after decompression.
    pub fn read(bytes: &[u8]) -> Self {
        let mut texts = Self::default();
        for (kind, data) in png_chunks(bytes) {
            match kind {
                b"eXIf" => texts.add_exif(data),
                _ => texts.add(text_of(kind, data, texts.room())),
            }
        }
        for (marker, data) in jpeg_segments(bytes) {
            match (marker, data.strip_prefix(b"Exif\0\0")) {
                (0xE1, Some(exif)) => texts.add_exif(exif),
                (0xFE, _) => texts.add(Some(("comment".into(), String::from_utf8_lossy(data).into_owned()))),
                _ => {}
            }
        }
        for (_, data) in webp_chunks(bytes).filter(|(kind, _)| *kind == b"EXIF") {
            texts.add_exif(data.strip_prefix(b"Exif\0\0").unwrap_or(data));
        }
        texts
    }

    /// Returns the first text with a keyword.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == keyword).map(|(_, text)| text)
    }

    /// Iterates over all keywords and texts, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(keyword, text)| (keyword.as_str(), text.as_str()))
    }

    fn add_exif(&mut self, data: &[u8]) {
        exif::texts_of(data).into_iter().for_each(|text| self.add(Some(text)));
    }

    fn add(&mut self, text: Option<(String, String)>) {
        let fits = |(keyword, text): &(String, String)| keyword.len() + text.len() <= self.room();
        self.0.extend(text.filter(fits));
    }

    /// How many bytes are left of [`MOST`].
    fn room(&self) -> usize {
        MOST - self.0.iter().map(|(keyword, text)| keyword.len() + text.len()).sum::<usize>()
    }
}
