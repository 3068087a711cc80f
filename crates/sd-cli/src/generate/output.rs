//! Flags of `sd generate` about the files it writes.

use std::path::{Path, PathBuf};

use sd_engine::Drawn;
use sd_image::Format;

use crate::failure::Failure;
use crate::naming::Naming;

/// Where images are written, and how.
#[derive(clap::Args)]
pub struct OutputFlags {
    /// Output file: .png, .jpg or .webp; or a folder, a pipe or /dev/stdout; with --count: out-0.png, out-1.png, ...
    ///
    /// {seed}, {date}, {model} and {index} in the name stand for those of the image, as in "{model}-{seed}.webp". In a folder,
    /// images are named by a number and their seed.
    #[arg(long, value_name = "FILE|DIR", default_value = "out.png")]
    output: PathBuf,
    /// Quality of .jpg files, from 1 to 100
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Leave prompt and settings out of the images
    #[arg(long)]
    no_metadata: bool,
}

impl OutputFlags {
    /// The value of `--output`.
    pub fn path(&self) -> &Path {
        &self.output
    }

    /// The names of the files.
    pub fn naming(&self, count: u64, model: &str) -> Result<Naming, Failure> {
        Naming::new("--output", &self.output, count, model)
    }

    /// Writes an image.
    pub fn write(&self, drawn: &Drawn, file: &Path) -> Result<(), Failure> {
        let texts = drawn.texts();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(keyword, text)| (*keyword, text.as_str())).collect();
        let texts = if self.no_metadata { &[] } else { &texts[..] };
        let format = match Format::from_path(file)? {
            Format::Jpeg { .. } => Format::Jpeg { quality: self.quality },
            format => format,
        };
        Ok(drawn.image.save_as(file, format, texts)?)
    }
}
