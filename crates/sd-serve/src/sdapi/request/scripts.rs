//! What requests ask for and this server does not have.

use serde_json::Value;

use super::Kind;
use crate::sdapi::SdapiError;
use crate::sdapi::fields::Fields;

/// Checks the scripts, and names the fields that change nothing here, a line each.
///
/// # Errors
///
/// Scripts that are not there, as in AUTOMATIC1111.
pub(super) fn without_effect(kind: Kind, fields: &Fields<'_>) -> Result<Vec<String>, SdapiError> {
    if let Some(script) = fields.filled_text("script_name")?.filter(|name| *name != "None") {
        return Err(SdapiError::unprocessable(format!("Script '{script}' not found")));
    }
    if let Some(scripts) = fields.object("alwayson_scripts")? {
        for name in scripts.names().filter(|name| !is_controlnet(name)) {
            let args = scripts.object(name)?.and_then(|script| script.value("args"));
            if args.is_some_and(is_on) {
                return Err(SdapiError::unprocessable(format!("always on script {name} not found")));
            }
        }
    }
    let mut warnings = Vec::new();
    let mut warn = |name: &str, reason: &str| warnings.push(format!("{name}: {reason}"));
    if fields.flag("restore_faces")? == Some(true) {
        warn("restore_faces", "there is no network for faces");
    }
    if fields.integer("seed_resize_from_w")?.unwrap_or(0) > 0 || fields.integer("seed_resize_from_h")?.unwrap_or(0) > 0
    {
        warn("seed_resize_from_w", "the noise has the size of the drawing");
    }
    if fields.number("s_min_uncond")?.unwrap_or(0.0) > 0.0 {
        warn("s_min_uncond", "every step is guided");
    }
    if kind == Kind::Img2img && fields.number("initial_noise_multiplier")?.is_some_and(|factor| factor != 1.0) {
        warn("initial_noise_multiplier", "the noise is not scaled");
    }
    if fields.list("styles")?.is_some_and(|styles| !styles.is_empty()) {
        warn("styles", "this server has none");
    }
    if fields.flag("save_images")? == Some(true) {
        warn("save_images", "all finished images are kept in the store");
    }
    Ok(warnings)
}

/// Whether an always-on script is ControlNet's.
pub(super) fn is_controlnet(name: &str) -> bool {
    name.eq_ignore_ascii_case("controlnet")
}

/// Whether a script's arguments turn it on. Clients also send those of scripts that are off.
fn is_on(args: &Value) -> bool {
    let first = match args {
        Value::Array(list) => list.first(),
        Value::Object(object) if object.is_empty() => None,
        other => Some(other),
    };
    match first {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Object(unit)) => {
            ["enabled", "enable"].iter().all(|name| unit.get(*name) != Some(&Value::Bool(false)))
        }
        Some(_) => true,
    }
}
