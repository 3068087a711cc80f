//! What an image says, as a job that draws it again.

mod names;
mod overlay;
mod record;

use std::path::Path;

use sd_engine::{Job, Library};
use sd_image::{Image, Texts};
use sd_metadata::{Making, Source};

pub use self::names::by_path;
pub use self::overlay::overlaid;
use crate::failure::Failure;

/// An image file, and what it says about its making.
pub struct Said {
    pub image: Image,
    /// All its texts.
    pub texts: Texts,
    /// What they say; none if they are no settings.
    pub making: Option<Making>,
}

/// Reads an image file.
pub fn read(file: &Path) -> Result<Said, Failure> {
    let failed = |reason: String| Failure::new(format!("{}: {reason}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let image = Image::decode(&bytes).map_err(|error| failed(error.to_string()))?;
    let texts = Texts::read(&bytes);
    let making = Making::read(|keyword| texts.get(keyword));
    Ok(Said { image, texts, making })
}

/// A job that draws an image again.
pub struct Again {
    /// The job, with the names of the library.
    pub job: Job,
    /// What the image says, and the job cannot have, a sentence each.
    pub lost: Vec<String>,
}

impl Again {
    /// Makes the job of an image. `given` are images that it may have been made from.
    pub fn new(file: &Path, making: Option<&Making>, library: &Library, given: &[Image]) -> Result<Self, Failure> {
        let Some(making) = making else {
            let reason = "it has no settings, of neither sd-burn, AUTOMATIC1111 nor ComfyUI: other programs may have removed them";
            return Err(Failure::new(format!("{}: {reason}", file.display())));
        };
        let mut lost = Vec::new();
        if let Some(text) = &making.record {
            match record::job(text, library, given) {
                Ok(again) => return Ok(again),
                Err(failure) => lost.push(format!("{failure}; its `parameters` are taken")),
            }
        }
        if making.parameters.fields.is_empty() && making.parameters.prompt.is_empty() {
            let reasons: Vec<_> = lost.iter().chain(&making.unclear).map(String::as_str).collect();
            return Err(Failure::new(format!("{}: {}", file.display(), reasons.join("; "))));
        }
        let (job, more) = Job::from_parameters(&making.parameters, library);
        lost.extend(more);
        if making.source == Source::ComfyUi {
            lost.extend(making.unclear.iter().map(|what| format!("ComfyUI's graph has what is not followed: {what}")));
        }
        Ok(Self { job, lost })
    }
}
