//! The description of a model.

use sd_pipeline::Summary;
use sd_tune::{Errors, TunedSchedule};
use serde_json::{Value, json};

use super::metadata_and_notes;
use crate::flag_names::with_flags;

/// With the schedules that are installed for it.
pub fn as_json(summary: &Summary, tuned: &[TunedSchedule]) -> Value {
    let components = summary.components.iter().map(|component| {
        json!({
            "name": component.name,
            "parameters": component.parameters,
            "precision": component.precision,
        })
    });
    json!({
        "family": summary.family,
        "reads_beside_text": summary.extra_input.map(|input| input.to_string()),
        "prediction": summary.prediction,
        "width": summary.size.0,
        "height": summary.size.1,
        "sampler": summary.sampler,
        "few_steps": summary.few_steps.map(|few| json!({
            "distillation": few.distillation.to_string(),
            "evidence": few.evidence.to_string(),
            "steps": few.steps,
            "guidance": few.guidance,
        })),
        "components": components.collect::<Vec<_>>(),
        "tuned": tuned,
        "metadata": summary.metadata,
        "notes": summary.notes.iter().map(|note| with_flags(note)).collect::<Vec<_>>(),
    })
}

/// With the schedules that are installed for it.
pub fn as_text(summary: &Summary, tuned: &[TunedSchedule]) -> String {
    let Summary { family, extra_input, prediction, size: (width, height), sampler, few_steps, .. } = summary;
    let Summary { components, metadata, notes, .. } = summary;
    let few = few_steps.map(|few| format!("few steps   {few}\n")).unwrap_or_default();
    let extra = extra_input.map(|input| format!("reads also  {input}\n")).unwrap_or_default();
    let mut text = format!(
        "family      {family}\n{extra}prediction  {prediction}\nsize        {width}x{height}\nsampler     {sampler}\n{few}\n\
         {:<15} {:>14}  PRECISION\n",
        "COMPONENT", "PARAMETERS"
    );
    for component in components {
        let precision = component.precision.join(", ");
        text += &format!("{:<15} {:>14}  {precision}\n", component.name, component.parameters);
    }
    if !tuned.is_empty() {
        text += "\nTUNED STEPS  SAMPLER    GUIDANCE  ERROR\n";
    }
    for TunedSchedule { sampler, levels, guidance, held_out: Errors { before, after, .. }, .. } in tuned {
        text += &format!("{:<11}  {sampler:<9}  {guidance:<8}  {after:.4} instead of {before:.4}\n", levels.steps());
    }
    text + &metadata_and_notes(metadata, notes)
}
