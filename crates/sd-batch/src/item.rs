use std::path::{Path, PathBuf};

use sd_engine::Job;
use sd_image::Format;

use crate::format::extension;

/// Digits of an id.
const DIGITS: usize = 16;

/// One image of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The name that its line has.
    pub label: Option<String>,
    /// What to draw: one image, with its seed, and with the hash of its model in place of the name.
    pub job: Job,
    id: String,
}

impl Item {
    /// Names the image of a job.
    pub fn new(job: Job, label: Option<String>) -> Self {
        Self { id: id(&job), label, job }
    }

    /// The first 16 digits of the job's hash: the same for the same image on every machine.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of its file: `ID.png`, or `LABEL-ID.png`.
    pub fn file_name(&self, format: Format) -> String {
        let label = self.label.as_ref().map(|label| format!("{label}-")).unwrap_or_default();
        format!("{label}{}", object_name(&self.id, format))
    }

    /// Where its file is in a folder.
    pub fn path(&self, folder: &Path, format: Format) -> PathBuf {
        folder.join(self.file_name(format))
    }

    /// The id as a number.
    pub(crate) fn number(&self) -> u64 {
        u64::from_str_radix(&self.id, 16).expect("an id has 16 hexadecimal digits")
    }
}

/// The id of a job.
pub(crate) fn id(job: &Job) -> String {
    job.hash()[..DIGITS].to_string()
}

/// The name of an image that has no label.
pub(crate) fn object_name(id: &str, format: Format) -> String {
    format!("{id}.{}", extension(format))
}
