/// A square image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Width and height in pixels.
    pub pixels: usize,
    /// Red, green and blue of each pixel in sRGB, row by row from the top: `pixels · pixels · 3` bytes.
    pub rgb: Vec<u8>,
}
