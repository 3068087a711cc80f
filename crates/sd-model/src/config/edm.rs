use sd_schedule::{Edm, Prediction, Ramp};

use super::json::Json;
use crate::ModelError;

/// Whether a scheduler's class has the noise process of EDM (Karras et al. 2022).
pub(super) fn is_edm(class: &str) -> bool {
    class.starts_with("EDM")
}

/// Reads the noise process of `EDMEulerScheduler` and `EDMDPMSolverMultistepScheduler`.
///
/// # Errors
///
/// [`ModelError::Config`] for a number or a name that is not supported.
pub(super) fn edm(json: &mut Json) -> Result<Edm, ModelError> {
    let rho = json.take_or("rho", 7.0)?;
    let ramp = match json.take_or("sigma_schedule", "karras".to_string())?.as_str() {
        "karras" => Ramp::Karras { rho },
        "exponential" => Ramp::Exponential,
        other => {
            let reason = format!("`sigma_schedule` is {other:?}, only \"karras\" and \"exponential\" are supported");
            return Err(json.error(reason));
        }
    };
    let numbers = [("sigma_data", 0.5), ("sigma_min", 0.002), ("sigma_max", 80.0)];
    let [data, min, max] = numbers.map(|(key, default)| json.take_or(key, default));
    let edm = Edm::new(data?, min?, max?, ramp).map_err(|error| json.error(error.to_string()))?;
    let edm = edm.with_timesteps(json.count_or("num_train_timesteps", 1000)?);
    let name = json.take_or("prediction_type", Prediction::Eps.name().to_string())?;
    let found = Prediction::by_name(&name).and_then(|prediction| edm.predicting(prediction));
    found.ok_or_else(|| {
        json.error(format!(
            "`prediction_type` is {name:?}, only \"epsilon\" and \"v_prediction\" are supported with the noise process of EDM"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sd_schedule::Process;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{SchedulerConfig, write};

    fn read(config: &Value) -> Result<SchedulerConfig, String> {
        let json = Json::new(Path::new("scheduler_config.json"), config.as_object().unwrap().clone());
        json.strictly(SchedulerConfig::from_json).map_err(|error| error.to_string())
    }

    /// As published for CosXL, and as diffusers' classes begin.
    #[test]
    fn published_configs_are_read() {
        let cosxl = read(&json!({
            "_class_name": "EDMEulerScheduler",
            "_diffusers_version": "0.27.0.dev0",
            "final_sigmas_type": "zero",
            "num_train_timesteps": 1000,
            "prediction_type": "v_prediction",
            "rho": 7.0,
            "sigma_data": 1.0,
            "sigma_max": 120.0,
            "sigma_min": 0.002,
            "sigma_schedule": "exponential",
        }));
        let cosxl = cosxl.unwrap();
        let expected = Edm::new(1.0, 0.002, 120.0, Ramp::Exponential).unwrap().with_velocity();
        assert_eq!((cosxl.process, cosxl.sampler.unwrap().to_string().as_str()), (Process::Edm(expected), "euler"));
        let playground = read(&json!({
            "_class_name": "EDMDPMSolverMultistepScheduler",
            "algorithm_type": "dpmsolver++",
            "euler_at_final": false,
            "lower_order_final": true,
            "solver_order": 2,
            "solver_type": "midpoint",
            "thresholding": false,
        }));
        let playground = playground.unwrap();
        assert_eq!(playground.process, Process::Edm(Edm::default()));
        assert_eq!((playground.sampler.unwrap().to_string().as_str(), playground.not_followed), ("dpm++2m", None));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rho3 = Edm::new(0.7, 0.01, 40.0, Ramp::Karras { rho: 3.0 }).unwrap().with_timesteps(500);
        for edm in [Edm::default(), rho3, rho3.with_velocity(), Edm::new(1.0, 0.1, 9.0, Ramp::Exponential).unwrap()] {
            assert_eq!(read(&write::edm_scheduler_config(&edm)).unwrap().process, Process::Edm(edm));
        }
    }

    #[test]
    fn errors_name_the_key() {
        for (key, value) in [
            ("sigma_data", json!(0.0)),
            ("sigma_min", json!(-1.0)),
            ("sigma_max", json!(0.001)),
            ("rho", json!(0.0)),
            ("sigma_schedule", json!("linear")),
            ("prediction_type", json!("sample")),
            ("beta_start", json!(0.1)),
            ("trained_betas", json!([0.1])),
        ] {
            let error = read(&json!({ "_class_name": "EDMEulerScheduler", key: value })).unwrap_err();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
