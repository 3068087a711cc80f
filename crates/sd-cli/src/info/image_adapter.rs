//! The descriptions of an IP-Adapter, and of an image encoder.

use sd_pipeline::{ImageAdapterSummary, ImageEncoderSummary};
use serde_json::{Value, json};

use super::table;

pub fn as_json(summary: &ImageAdapterSummary) -> Value {
    json!({
        "kind": summary.kind.to_string(),
        "family": summary.family,
        "encoder": summary.encoder,
        "encoder_found": summary.found,
        "tokens": summary.tokens,
        "token_width": summary.token_width,
        "layers": summary.layers,
        "parameters": summary.parameters,
        "precision": summary.precision,
    })
}

pub fn as_text(summary: &ImageAdapterSummary) -> String {
    let found = summary
        .found
        .as_ref()
        .map_or("not found beside it: give encoder=PATH".into(), |path| path.display().to_string());
    let encoder = if summary.found.is_some() { "" } else { ",encoder=PATH" };
    table(&[
        ("kind", summary.kind.to_string()),
        ("family", summary.family.to_string()),
        ("encoder", format!("{} ({found})", summary.encoder)),
        ("tokens", summary.tokens.map_or("one for each patch of the image".into(), |tokens| tokens.to_string())),
        ("layers", format!("{}, of tokens of width {}", summary.layers, summary.token_width)),
        ("parameters", summary.parameters.to_string()),
        ("precision", summary.precision.join(", ")),
        ("use with", format!("--image-prompt model=PATH,image=FILE{encoder}")),
    ])
}

pub fn encoder_as_json(summary: &ImageEncoderSummary) -> Value {
    json!({
        "kind": KIND,
        "width": summary.width,
        "embedding": summary.embedding,
        "size": summary.size,
        "parameters": summary.component.parameters,
        "precision": summary.component.precision,
    })
}

pub fn encoder_as_text(summary: &ImageEncoderSummary) -> String {
    table(&[
        ("kind", KIND.to_string()),
        ("reads", format!("images of {0}x{0}", summary.size)),
        ("states", format!("of width {}", summary.width)),
        ("embedding", format!("of width {}", summary.embedding)),
        ("parameters", summary.component.parameters.to_string()),
        ("precision", summary.component.precision.join(", ")),
        ("use with", "--image-prompt model=FILE,image=FILE,encoder=PATH".to_string()),
    ])
}

const KIND: &str = "image encoder of CLIP";
