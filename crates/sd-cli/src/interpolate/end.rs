use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use sd_metadata::Parameters;
use sd_pipeline::Latents;

use crate::failure::Failure;
use crate::input::read_latents;
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
        read_latents(flag, file).map(Some)
    }

    /// Adds what the settings in an image say of this noise; nothing of a seed, which has its own setting.
    pub fn add_to(&self, parameters: &mut Parameters) {
        if let Self::File(file) = self {
            parameters.set("Initial noise", file.display());
        }
    }

    pub fn describe(&self) -> String {
        match self {
            Self::Seed(seed) => format!("seed {seed}"),
            Self::File(file) => file.display().to_string(),
        }
    }
}
