use sd_engine::Job;
use sd_image::Format;
use serde::{Deserialize, Serialize};

use crate::format::from_extension;
use crate::item::{id, object_name};

/// What travels through a queue: one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What to draw: one image, with its seed.
    pub job: Job,
    /// The extension of its file.
    pub format: String,
}

/// Why a job was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Obituary {
    /// One line.
    pub reason: String,
    /// How often it was tried.
    pub tries: u64,
    /// Who gave it up.
    pub worker: String,
    /// The message: an [`Order`], unless that is what is wrong with it.
    pub order: String,
}

impl Order {
    /// Reads a message, and checks that its subject names its image.
    pub fn read(payload: &[u8], object: &str) -> Result<(Self, Format), String> {
        let order: Self = serde_json::from_slice(payload).map_err(|error| format!("the message is no job: {error}"))?;
        let format = from_extension(&order.format)
            .ok_or_else(|| format!("the format {:?} is unknown: expected png, jpg or webp", order.format))?;
        let own = order.object_name(format);
        if own != object {
            return Err(format!(
                "the message calls its image {object}, but it is {own}: all machines need the same version of sd"
            ));
        }
        if order.job.count != 1 {
            return Err(format!("the job has {} images, expected 1", order.job.count));
        }
        Ok((order, format))
    }

    /// The name of the image in the object store.
    pub fn object_name(&self, format: Format) -> String {
        object_name(&id(&self.job), format)
    }
}
