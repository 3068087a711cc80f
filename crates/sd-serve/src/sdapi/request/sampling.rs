//! The sampler, its schedule and its options.

use axum::http::StatusCode;
use sd_pipeline::{Request, SamplerOption};

use crate::sdapi::fields::Fields;
use crate::sdapi::{SdapiError, samplers};

/// Reads them into a request. A sampler's name may end with that of a schedule, as it did before there were schedules.
pub(super) fn read(fields: &Fields<'_>, request: &mut Request) -> Result<(), SdapiError> {
    // The older of the two fields counts if the newer one is not sent.
    let label = match fields.filled_text("sampler_name")? {
        Some(label) => Some(label),
        None => fields.filled_text("sampler_index")?,
    };
    let schedule = fields.filled_text("scheduler")?;
    let found =
        samplers::find(label, schedule).map_err(|reason| SdapiError::refused(StatusCode::BAD_REQUEST, reason))?;
    (request.sampler, request.schedule) = (found.sampler, found.schedule);
    let Some(info) = request.sampler.map(|sampler| sampler.info()) else { return Ok(()) };
    for (name, option) in [
        ("eta", SamplerOption::Eta),
        ("s_churn", SamplerOption::SChurn),
        ("s_tmin", SamplerOption::STmin),
        ("s_tmax", SamplerOption::STmax),
        ("s_noise", SamplerOption::SNoise),
    ] {
        let value = fields.number(name)?;
        let Some(range) = info.options.iter().find(|range| range.option == option) else { continue };
        // Clients send 0 where no level is too high.
        let value = value.filter(|value| *value != range.default && !(option == SamplerOption::STmax && *value == 0.0));
        if let Some(value) = value {
            let (smallest, largest) = (range.range.start(), range.range.end());
            if !range.range.contains(&value) {
                return Err(fields.wrong(name, format!("{value}: expected {smallest} to {largest}")));
            }
            request.options.push((option, value));
        }
    }
    Ok(())
}
