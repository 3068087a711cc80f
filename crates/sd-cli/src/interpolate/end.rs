use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use sd_pipeline::{Error, Latents, read_tensor};
use serde_json::json;

use crate::failure::Failure;
use crate::seed::Seed;

/// The noise with which an interpolation starts or ends.
#[derive(Debug, Clone)]
pub enum End {
    Seed(u64),
    File(PathBuf),
}

impl FromStr for End {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), |seed: Seed| Self::Seed(seed.number())))
    }
}

impl End {
    /// Reads the latents of a file.
    pub fn read(&self, flag: &str) -> Result<Option<Latents>, Failure> {
        let Self::File(file) = self else { return Ok(None) };
        if !file.exists() {
            let reason = format!("{flag} {}: neither a seed, which is a whole number, nor a file", file.display());
            return Err(Failure::usage(reason));
        }
        let read = read_tensor(file, "latents").map_err(Error::from);
        let (values, shape) = read.map_err(|error| Failure::from(error).with_flag(flag))?;
        let shape = shape.try_into().map_err(|shape| {
            let reason = format!("its `latents` is {shape:?}, expected [1, 4, height/8, width/8]");
            Failure::usage(format!("{flag} {}: {reason}", file.display()))
        })?;
        Ok(Some(Latents { values, shape }))
    }

    /// What the settings in an image say of this noise; nothing of a seed, which has its own field.
    pub fn setting(&self) -> String {
        match self {
            Self::Seed(_) => String::new(),
            // A JSON string, because the name may contain commas.
            Self::File(file) => format!(", Initial noise: {}", json!(file.display().to_string())),
        }
    }

    pub fn describe(&self) -> String {
        match self {
            Self::Seed(seed) => format!("seed {seed}"),
            Self::File(file) => file.display().to_string(),
        }
    }
}
