use std::path::{Path, PathBuf};

use sd_weights::write_atomically;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::config::EvaluationConfig;
use super::measurement::{Finding, Measurement};
use crate::EvaluateError;

/// Settings that all measurements in a folder share, so that they can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    model: String,
    classifier: String,
    seed: u64,
    captions: u64,
    samples: u64,
    sampler: String,
    steps: usize,
    guidance: f64,
}

/// A folder of measurements, a JSON file for each.
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens the folder of an evaluation, or starts one there.
    pub fn open(
        folder: &Path,
        [model, classifier]: [&str; 2],
        config: &EvaluationConfig,
    ) -> Result<Self, EvaluateError> {
        let EvaluationConfig { seed, captions, samples, guidance, sampler: (sampler, steps), .. } = *config;
        let [model, classifier, sampler] = [model, classifier, sampler.info().name].map(str::to_owned);
        let settings = Settings { model, classifier, seed, captions, samples, sampler, steps, guidance };
        let store = Self { folder: folder.to_path_buf() };
        std::fs::create_dir_all(folder.join("cells")).map_err(EvaluateError::io(folder))?;
        match store.read::<Settings>("settings.json")? {
            None => store.write("settings.json", &settings)?,
            Some(known) if known != settings => {
                return Err(EvaluateError::Request(format!(
                    "{}: the folder has an evaluation of another model or with other settings, see its settings.json: \
                     name another folder, or remove this one",
                    folder.display()
                )));
            }
            Some(_) => {}
        }
        Ok(store)
    }

    /// Returns the result of a measurement, if it was made.
    pub fn finding(&self, measurement: &Measurement) -> Result<Option<Finding>, EvaluateError> {
        self.read(&format!("cells/{measurement}.json"))
    }

    /// Writes the result of a measurement.
    pub fn keep(&self, measurement: &Measurement, finding: &Finding) -> Result<(), EvaluateError> {
        self.write(&format!("cells/{measurement}.json"), finding)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, EvaluateError> {
        let file = self.folder.join(name);
        match std::fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(EvaluateError::json(&file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(EvaluateError::io(&file)(error)),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), EvaluateError> {
        let file = self.folder.join(name);
        let text = serde_json::to_string_pretty(value).map_err(EvaluateError::json(&file))?;
        write_atomically(&file, |file| writeln!(file, "{text}")).map_err(EvaluateError::io(&file))
    }
}
