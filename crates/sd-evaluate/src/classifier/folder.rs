use std::path::Path;

use burn::tensor::{Device, FloatDType};
use sd_weights::{Weights, save, update_folder_atomically, write_atomically};
use serde::{Deserialize, Serialize};

use super::network::{Classifier, ClassifierConfig};
use super::training::TrainingConfig;
use crate::EvaluateError;

/// `config.json`: the classifier and its training.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    classifier: ClassifierConfig,
    training: TrainingConfig,
}

impl Classifier {
    /// Writes `config.json` and, in half precision, `model.safetensors` to a folder, which is created if missing.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Io`] and [`EvaluateError::Weights`]; the folder is then unchanged.
    pub fn save(&self, training: &TrainingConfig, folder: &Path) -> Result<(), EvaluateError> {
        update_folder_atomically(folder, EvaluateError::io(folder), |folder| {
            save(self, &folder.join("model.safetensors"), FloatDType::F16)?;
            let file = folder.join("config.json");
            let saved = Saved { classifier: self.config().clone(), training: training.clone() };
            let text = serde_json::to_string_pretty(&saved).map_err(EvaluateError::json(&file))?;
            write_atomically(&file, |file| writeln!(file, "{text}")).map_err(EvaluateError::io(&file))
        })
    }

    /// Reads a classifier that [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Io`], [`EvaluateError::Json`] and [`EvaluateError::Weights`] if a file is missing or damaged.
    pub fn from_folder(folder: &Path, device: &Device) -> Result<Self, EvaluateError> {
        let file = folder.join("config.json");
        let text = std::fs::read_to_string(&file).map_err(EvaluateError::io(&file))?;
        let Saved { classifier, .. } = serde_json::from_str(&text).map_err(EvaluateError::json(&file))?;
        let weights = Weights::in_folder(folder, "model")?;
        Ok(weights.load(classifier.init(device), FloatDType::F32)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sd_scenes::{Scene, Style};

    #[test]
    fn a_saved_classifier_sees_what_it_saw_before() {
        let (folder, device) = (tempfile::tempdir().unwrap(), Device::flex());
        let config = ClassifierConfig { pixels: 32, channels: vec![8, 16], features: 12, style: Style::Paint };
        let classifier = sd_train::initialise(config.init(&device), 5);
        classifier.save(&TrainingConfig::new(0), folder.path()).unwrap();
        let loaded = Classifier::from_folder(folder.path(), &device).unwrap();
        let image = Scene::random(1).draw(1, 32).rgb;
        let [before, after] = [&classifier, &loaded].map(|classifier| classifier.read(&[&image]).remove(0));
        assert_eq!(before.scene, after.scene);
        // Half precision has eleven bits.
        assert!(before.features.iter().zip(&after.features).all(|(a, b)| (a - b).abs() < 2e-3));
    }

    #[test]
    fn a_folder_without_a_classifier_is_named() {
        let error = Classifier::from_folder("nowhere".as_ref(), &Device::flex()).unwrap_err();
        assert!(error.to_string().starts_with("nowhere/config.json: "), "{error}");
    }
}
