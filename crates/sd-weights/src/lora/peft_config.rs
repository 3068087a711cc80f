//! PEFT's settings of a LoRA, which its tensors do not show.

use std::fs;
use std::path::PathBuf;

use fancy_regex::Regex;
use serde_json::{Map, Value};

use super::source::Source;
use super::target::Module;
use crate::WeightsError;

/// diffusers' key for PEFT's settings in the metadata of a safetensors file.
const METADATA: &str = "lora_adapter_metadata";

/// PEFT's settings file, beside the weights.
const CONFIG: &str = "adapter_config.json";

/// PEFT's names of the kinds that are read.
const KINDS: [&str; 6] = ["LORA", "LOHA", "LOKR", "IA3", "OFT", "BOFT"];

/// Initialisations of a LoRA that change the model's own weights, which the file does not undo.
const BASE_CHANGING: [&str; 5] = ["pissa", "olora", "corda", "loftq", "lora_ga"];

/// Settings that change the meaning of the same tensors, unless they are off.
const VARIANTS: [&str; 7] = [
    "use_qalora",
    "alora_invocation_tokens",
    "layer_replication",
    "use_bdlora",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
];

/// The PEFT settings that a file was written with: none, one set for all networks, or one set per network under its name.
pub(crate) struct PeftConfig {
    file: PathBuf,
    settings: Map<String, Value>,
}

/// The settings that one module was trained with.
pub(crate) struct Settings<'a> {
    config: &'a PeftConfig,
    /// The prefix of each name: `unet.`, say, or nothing.
    prefix: String,
    /// The module's path in its network.
    path: &'a str,
}

impl PeftConfig {
    /// Reads the settings in the file's metadata or, beside a file that PEFT wrote, in `adapter_config.json`.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Unmergeable`] if they cannot be read, or describe a variant that is not supported.
    pub fn read(source: &Source) -> Result<Self, WeightsError> {
        let file = source.file();
        let beside = file.with_file_name(CONFIG);
        let (file, text) = if let Some(text) = source.0.metadata.get(METADATA) {
            (file, text.clone())
        } else if is_pefts(source) && beside.is_file() {
            let text = fs::read_to_string(&beside);
            (beside.clone(), text.map_err(|source| WeightsError::Io { file: beside, source })?)
        } else {
            return Ok(Self { file, settings: Map::new() });
        };
        match serde_json::from_str(&text) {
            Ok(Value::Object(settings)) => Self { file, settings }.checked(),
            _ => {
                let config = Self { file, settings: Map::new() };
                Err(config.error("PEFT's settings in it are not a JSON object".into()))
            }
        }
    }

    fn checked(self) -> Result<Self, WeightsError> {
        for (key, value) in &self.settings {
            let name = key.rsplit('.').next().unwrap_or(key);
            let text = value.as_str().unwrap_or_default();
            let is_off = matches!(value, Value::Null | Value::Bool(false));
            if name == "peft_type" && !KINDS.contains(&text) {
                return Err(self.error(format!("`{key}` is {value}, expected one of {}", KINDS.join(", "))));
            }
            if name == "init_lora_weights" && BASE_CHANGING.iter().any(|start| text.starts_with(start)) {
                let remedy = "convert it to a plain LoRA with PEFT's `path_initial_model_for_weight_conversion`";
                return Err(
                    self.error(format!("`{key}` is {value}, which changes the model's own weights too: {remedy}"))
                );
            }
            if VARIANTS.contains(&name) && !is_off {
                return Err(self.error(format!("`{key}` is on, and this variant of LoRA is not supported")));
            }
        }
        Ok(self)
    }

    /// Returns the settings of `module`, if there are any for its network.
    pub fn settings<'a>(&'a self, module: Module<'a>) -> Option<Settings<'a>> {
        let own = module.component.map(|component| format!("{}.", component.name()));
        let own = own.filter(|own| self.settings.keys().any(|key| key.starts_with(own)));
        let is_any = own.is_some() || self.settings.keys().any(|key| !key.contains('.'));
        is_any.then(|| Settings { config: self, prefix: own.unwrap_or_default(), path: module.path })
    }

    fn error(&self, reason: String) -> WeightsError {
        WeightsError::Unmergeable { file: self.file.clone(), reason }
    }
}

/// Whether PEFT itself wrote this file. A file of diffusers may be beside settings of another file.
fn is_pefts(source: &Source) -> bool {
    let is_named = source.file().file_stem().is_some_and(|stem| stem == "adapter_model");
    is_named || source.0.tensors.keys().any(|key| key.starts_with("base_model.model."))
}

impl Settings<'_> {
    fn get(&self, name: &str) -> &Value {
        self.config.settings.get(&format!("{}{name}", self.prefix)).unwrap_or(&Value::Null)
    }

    pub fn is_on(&self, name: &str) -> bool {
        *self.get(name) == Value::Bool(true)
    }

    pub fn is_off(&self, name: &str) -> bool {
        *self.get(name) == Value::Bool(false)
    }

    /// Returns a number, or `default` if it is not set.
    pub fn number(&self, name: &str, default: f64) -> Result<f64, WeightsError> {
        self.value(name, self.get(name), default)
    }

    fn value(&self, name: &str, value: &Value, default: f64) -> Result<f64, WeightsError> {
        match value {
            Value::Null => Ok(default),
            value => {
                let wrong = || self.config.error(format!("`{name}` is {value}, expected a number"));
                value.as_f64().ok_or_else(wrong)
            }
        }
    }

    /// Returns the factor of a module's change: alpha over the rank, or over its square root (Kalajdzievski 2023).
    ///
    /// `rank` is that of the tensors; without one it is the module's setting.
    pub fn strength(&self, rank: Option<usize>) -> Result<f64, WeightsError> {
        // PEFT's own defaults are 8 and 8.
        let name =
            if self.get("peft_type").as_str().is_none_or(|kind| kind == "LORA") { "lora_alpha" } else { "alpha" };
        let alpha = self.module_value("alpha_pattern", name)?;
        let rank = rank.map_or_else(|| self.module_value("rank_pattern", "r"), |rank| Ok(rank as f64))?;
        if rank <= 0.0 {
            return Err(self.config.error(format!("the rank of `{}` is {rank}, expected 1 or more", self.path)));
        }
        Ok(if self.is_on("use_rslora") { alpha / rank.sqrt() } else { alpha / rank })
    }

    /// Returns the value of the first pattern that matches the module, else the value for all modules.
    fn module_value(&self, patterns: &str, name: &str) -> Result<f64, WeightsError> {
        for (pattern, value) in self.get(patterns).as_object().into_iter().flatten() {
            if self.is_match(&format!(r"^(?:.*\.)?(?:{pattern})$"))? {
                return self.value(pattern, value, 8.0);
            }
        }
        self.number(name, 8.0)
    }

    /// Whether IA3 scales the module's inputs, rather than its outputs.
    pub fn is_feedforward(&self) -> Result<bool, WeightsError> {
        match self.get("feedforward_modules") {
            Value::String(pattern) => self.is_match(&format!("^(?:{pattern})$")),
            Value::Array(ends) => Ok(ends.iter().filter_map(Value::as_str).any(|end| self.path.ends_with(end))),
            _ => Ok(false),
        }
    }

    fn is_match(&self, pattern: &str) -> Result<bool, WeightsError> {
        let found = Regex::new(pattern).and_then(|regex| regex.is_match(self.path));
        found.map_err(|error| self.config.error(format!("the pattern {pattern:?} cannot be used: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(settings: Value) -> PeftConfig {
        let Value::Object(settings) = settings else { unreachable!("the tests' settings are objects") };
        PeftConfig { file: "adapter_config.json".into(), settings }
    }

    fn strength(config: &PeftConfig, module: &str, rank: Option<usize>) -> Option<f64> {
        config.settings(Module::from_name(module)).map(|settings| settings.strength(rank).unwrap())
    }

    #[test]
    fn a_network_has_its_own_settings_or_those_of_all() {
        let each =
            config(json!({ "unet.lora_alpha": 8, "text_encoder.lora_alpha": 3, "text_encoder.use_rslora": true }));
        assert_eq!(strength(&each, "unet.a.to_k", Some(4)), Some(2.0));
        assert_eq!(strength(&each, "text_encoder.a", Some(4)), Some(1.5));
        assert_eq!(strength(&each, "text_encoder_2.a", Some(4)), None);
        let all = config(json!({ "lora_alpha": 16 }));
        for module in ["unet.a", "a.to_k", "base_model.model.text_model.a"] {
            assert_eq!(strength(&all, module, Some(4)), Some(4.0), "{module}");
        }
        assert_eq!(strength(&config(json!({})), "unet.a", Some(4)), None);
    }

    #[test]
    fn patterns_match_whole_names_from_a_dot_on_as_pefts_do() {
        let config = config(json!({
            "lora_alpha": 1,
            "alpha_pattern": { "attn1.to_q": 2.0, "^down.0.to_k": 3, r".*\.[12]\.to_v": 4, "(?!x)out": 5 },
        }));
        for (module, alpha) in [
            ("a.attn1.to_q", 2.0),
            ("attn1.to_q", 2.0),
            ("a.xattn1.to_q", 1.0),
            ("a.attn1.to_q.more", 1.0),
            ("down.0.to_k", 3.0),
            ("a.down.0.to_k", 1.0),
            ("a.1.to_v", 4.0),
            ("a.3.to_v", 1.0),
            ("a.out", 5.0),
        ] {
            assert_eq!(strength(&config, module, Some(1)), Some(alpha), "{module}");
        }
    }

    #[test]
    fn the_rank_is_that_of_the_tensors_or_that_of_the_settings() {
        let config = config(json!({ "peft_type": "LOKR", "alpha": 6, "r": 3, "rank_pattern": { "to_q": 12 } }));
        assert_eq!(strength(&config, "a.to_k", Some(2)), Some(3.0));
        assert_eq!(strength(&config, "a.to_k", None), Some(2.0));
        assert_eq!(strength(&config, "a.to_q", None), Some(0.5));
    }

    #[test]
    fn unsupported_settings_are_refused_by_name() {
        for (settings, expected) in [
            (json!({ "peft_type": "VERA" }), "`peft_type` is \"VERA\", expected one of LORA"),
            (json!({ "unet.init_lora_weights": "pissa_niter_4" }), "changes the model's own weights too"),
            (json!({ "use_qalora": true }), "`use_qalora` is on"),
        ] {
            let error = config(settings).checked().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let plain =
            json!({ "peft_type": "LORA", "init_lora_weights": "gaussian", "use_qalora": false, "arrow_config": null });
        assert!(config(plain).checked().is_ok());
        let wrong = config(json!({ "lora_alpha": "8" }));
        let error = wrong.settings(Module::from_name("a")).unwrap().strength(Some(4)).unwrap_err().to_string();
        assert!(error.contains("`lora_alpha` is \"8\", expected a number"), "{error}");
        let wrong = config(json!({ "alpha_pattern": { "(": 1 } }));
        let error = wrong.settings(Module::from_name("a")).unwrap().strength(Some(4)).unwrap_err().to_string();
        assert!(error.contains("cannot be used"), "{error}");
    }
}
