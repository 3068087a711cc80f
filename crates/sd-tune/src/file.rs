use std::path::Path;

use sd_files::write_atomically;
use sd_schedule::NoiseLevels;
use serde::{Deserialize, Serialize};

use crate::{Steps, TuneError};

/// The format of the file.
const VERSION: u32 = 1;
/// No schedule is larger.
const LARGEST: u64 = 1 << 20;

/// The steps that were found for a model, as a file of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedSchedule {
    /// The format, 1.
    version: u32,
    /// The name of the sampler that it is for.
    pub sampler: String,
    /// The noise levels.
    pub levels: NoiseLevels,
    /// The weights of a multistep method, in place of the sampler's own; see [`Multistep`](sd_samplers::Multistep).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<Vec<f64>>>,
    /// The name of the model.
    pub model: String,
    /// A hash of its weights.
    pub model_hash: String,
    /// The guidance scale.
    pub guidance: f64,
    /// A hash of the prompts.
    pub prompts_hash: String,
    /// The errors on the images that it was tuned on.
    pub tuned: Errors,
    /// The errors on other images.
    pub held_out: Errors,
}

/// Root mean square distances of latents from those that many steps draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// Number of images.
    pub images: usize,
    /// With the usual levels of the sampler, or of `unipc` if several were tried.
    pub before: f64,
    /// With these steps.
    pub after: f64,
}

impl TunedSchedule {
    /// A schedule of some steps, for a model that is named and hashed.
    pub fn new(steps: Steps, [model, model_hash]: [&str; 2]) -> Self {
        let Steps { sampler, levels, weights } = steps;
        let none = Errors { images: 0, before: 0.0, after: 0.0 };
        Self {
            version: VERSION,
            sampler,
            levels,
            weights,
            model: model.into(),
            model_hash: model_hash.into(),
            guidance: 1.0,
            prompts_hash: String::new(),
            tuned: none,
            held_out: none,
        }
    }

    /// The steps.
    pub fn steps(&self) -> Steps {
        Steps { sampler: self.sampler.clone(), levels: self.levels.clone(), weights: self.weights.clone() }
    }

    /// Reads a file and checks it.
    ///
    /// # Errors
    ///
    /// [`TuneError::Io`], and [`TuneError::File`] for anything but a schedule.
    pub fn read(path: &Path) -> Result<Self, TuneError> {
        let io = |source| TuneError::Io { path: path.into(), source };
        let file = |reason: String| TuneError::File { path: path.into(), reason };
        if std::fs::metadata(path).map_err(io)?.len() > LARGEST {
            return Err(file(format!("it is larger than {LARGEST} bytes")));
        }
        let read: Self =
            serde_json::from_slice(&std::fs::read(path).map_err(io)?).map_err(|error| file(error.to_string()))?;
        let steps = read.levels.steps();
        match &read.weights {
            _ if read.version != VERSION => {
                Err(file(format!("version {}, but this program reads {VERSION}", read.version)))
            }
            Some(weights) if weights.len() != steps => {
                Err(file(format!("weights of {} steps, but levels of {steps}", weights.len())))
            }
            Some(weights) if !weights.iter().all(|of_step| (1..=4).contains(&of_step.len())) => {
                Err(file("a step has 1 to 4 weights".into()))
            }
            _ => Ok(read),
        }
    }

    /// Writes it, all or nothing.
    ///
    /// # Errors
    ///
    /// [`TuneError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), TuneError> {
        let text = serde_json::to_string_pretty(self).expect("numbers and texts");
        write_atomically(path, |file| writeln!(file, "{text}"))
            .map_err(|source| TuneError::Io { path: path.into(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> TunedSchedule {
        let levels = NoiseLevels::new(vec![14.6, 2.0, 0.0]).unwrap();
        let weights = Some(vec![vec![1.0], vec![-0.5, 1.5]]);
        TunedSchedule::new(Steps { sampler: "ipndm".into(), levels, weights }, ["scenes", "abc"])
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("5.json");
        schedule().write(&path).unwrap();
        assert_eq!(TunedSchedule::read(&path).unwrap(), schedule());
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("5.json");
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            TunedSchedule::read(&path).unwrap_err().to_string()
        };
        let text = serde_json::to_string(&schedule()).unwrap();
        for (text, reason) in [
            ("{}".into(), "missing field"),
            (text.replace("\"version\":1", "\"version\":2"), "version 2, but this program reads 1"),
            (text.replace("[14.6,2.0,0.0]", "[14.6,2.0,2.0]"), "must fall"),
            (text.replace("[[1.0],", "["), "weights of 1 steps, but levels of 2"),
            (text.replace("[1.0]", "[]"), "1 to 4 weights"),
        ] {
            let message = refused(&text);
            assert!(message.contains("5.json") && message.contains(reason), "{message}");
        }
    }
}
