//! The description of a control network.

use sd_pipeline::ControlSummary;
use serde_json::{Value, json};

use super::{metadata_and_notes, table};
use crate::flag_names::with_flags;

pub fn as_json(summary: &ControlSummary) -> Value {
    json!({
        "kind": summary.kind.to_string(),
        "family": summary.family,
        "layout": summary.layout.to_string(),
        "image_channels": summary.hint_channels,
        "channels": summary.channels,
        "text_width": summary.text_width,
        "types": summary.conditions,
        "averages": summary.averages,
        "parameters": summary.parameters,
        "precision": summary.precision,
        "metadata": summary.metadata,
        "notes": summary.notes.iter().map(|note| with_flags(note)).collect::<Vec<_>>(),
    })
}

pub fn as_text(summary: &ControlSummary) -> String {
    let ControlSummary { kind, family, layout, channels, parameters, .. } = summary;
    let mut rows = vec![
        ("kind", kind.to_string()),
        ("family", (*family).to_string()),
        ("layout", format!("{layout} names")),
        ("reads", if summary.hint_channels == 1 { "an image in shades of grey" } else { "an image" }.into()),
    ];
    if !channels.is_empty() {
        rows.push(("channels", channels.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")));
    }
    rows.extend(summary.text_width.map(|width| ("text", format!("embeddings of width {width}"))));
    if !summary.conditions.is_empty() {
        rows.push(("types", summary.conditions.join(", ")));
    }
    if summary.averages {
        rows.push(("outputs", "averaged over the image".into()));
    }
    rows.push(("parameters", parameters.to_string()));
    rows.push(("precision", summary.precision.join(", ")));
    let types = if summary.conditions.is_empty() { "" } else { ",type=TYPE" };
    rows.push(("use with", format!("--control model=PATH,image=FILE{types}")));
    table(&rows) + &metadata_and_notes(&summary.metadata, &summary.notes)
}
