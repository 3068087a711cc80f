//! What is kept of an unfinished search, in a file beside its output.

use std::path::{Path, PathBuf};

use sd_pipeline::NoiseLevels;
use sd_tune::{TuneError, Tuning};
use serde::{Deserialize, Serialize};

use super::images::Images;
use crate::failure::Failure;
use crate::progress::Progress;

/// What a search depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub samplers: Vec<String>,
    pub steps: usize,
    pub weights: bool,
    pub guidance: f64,
    pub model_hash: String,
    pub prompts_hash: String,
    pub images: usize,
    pub seed: u64,
    pub batch: usize,
    pub budget: usize,
}

/// The state of a search.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub key: Key,
    /// The latents that many steps draw, an image each.
    pub converged: Vec<Vec<f32>>,
    /// The levels with the least sum of single steps' errors, on the first images.
    pub fewest_errors: Option<NoiseLevels>,
    /// The search, once all images are converged.
    pub tuning: Option<Tuning>,
    #[serde(skip)]
    file: PathBuf,
}

impl State {
    /// Reads the state beside an output, or begins anew.
    pub fn open(output: &Path, key: Key) -> Result<Self, Failure> {
        let mut name = output.as_os_str().to_owned();
        name.push(".unfinished");
        let file = PathBuf::from(name);
        let empty = Self { key, converged: Vec::new(), fewest_errors: None, tuning: None, file };
        let text = match std::fs::read(&empty.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(empty),
            Err(source) => return Err(TuneError::Io { path: empty.file, source }.into()),
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(state) if state.key == empty.key => Ok(Self { file: empty.file, ..state }),
            _ => Err(TuneError::Other { path: empty.file }.into()),
        }
    }

    /// Writes it, all or nothing.
    pub fn keep(&self) -> Result<(), Failure> {
        let text = serde_json::to_vec(self).map_err(|error| Failure::new(error.to_string()))?;
        let written = sd_files::write_atomically(&self.file, |file| file.write_all(&text));
        written.map_err(|source| TuneError::Io { path: self.file.clone(), source }.into())
    }

    /// Removes the file; the search has ended.
    pub fn remove(&self) {
        // If it stays, it is only read by the same command.
        let _ = std::fs::remove_file(&self.file);
    }

    /// Draws the images that are not there yet with many steps.
    pub fn converge(&mut self, images: &Images, usual: &NoiseLevels, progress: &mut Progress) -> Result<(), Failure> {
        let count = images.requests.len();
        while self.converged.len() < count {
            let first = self.converged.len();
            progress.work("drawing with many steps", first as u64, count as u64);
            let (converged, trajectory) = images.converge(usual.first(), first..count.min(first + images.batch))?;
            if first == 0 {
                let sigmas = trajectory.fewest_errors(usual.steps());
                self.fewest_errors = sigmas.and_then(|sigmas| NoiseLevels::new(sigmas).ok());
            }
            self.converged.extend(converged);
            self.keep()?;
        }
        Ok(())
    }
}
