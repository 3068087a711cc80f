use std::path::PathBuf;

use sd_pipeline::{Error, Model, Summary};
use serde_json::{Value, json};

use crate::flag_names::with_flags;
use crate::model::ChoiceFlags;
use crate::print::print;

/// Describe a model without reading its weights.
///
/// The model is a folder or a single file, not a name on the hub. Other kinds of files are named and refused.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the model, or its single file
    #[arg(value_name = "PATH")]
    model: PathBuf,
    #[command(flatten)]
    choices: ChoiceFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a description of the model.
pub fn run(args: &Args) -> Result<(), Error> {
    let summary = Model::open_with(&args.model, &args.choices.choices())?.summary();
    let text = if args.json { format!("{:#}\n", as_json(&summary)) } else { as_text(&summary) };
    print(&text);
    Ok(())
}

fn as_json(summary: &Summary) -> Value {
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
        "components": components.collect::<Vec<_>>(),
        "metadata": summary.metadata,
        "notes": summary.notes.iter().map(|note| with_flags(note)).collect::<Vec<_>>(),
    })
}

fn as_text(summary: &Summary) -> String {
    let Summary { family, extra_input, prediction, size: (width, height), sampler, components, metadata, notes } =
        summary;
    let extra = extra_input.map(|input| format!("reads also  {input}\n")).unwrap_or_default();
    let mut text = format!(
        "family      {family}\n{extra}prediction  {prediction}\nsize        {width}x{height}\nsampler     {sampler}\n\n\
         {:<15} {:>14}  PRECISION\n",
        "COMPONENT", "PARAMETERS"
    );
    for component in components {
        let precision = component.precision.join(", ");
        text += &format!("{:<15} {:>14}  {precision}\n", component.name, component.parameters);
    }
    if !metadata.is_empty() {
        text += "\nMETADATA\n";
        // Some programs store whole recipes or thumbnails there.
        let shortened =
            |value: &str| value.char_indices().nth(100).map_or(value.into(), |(end, _)| format!("{}…", &value[..end]));
        for (key, value) in metadata {
            text += &format!("{key}: {}\n", shortened(&value.replace('\n', " ")));
        }
    }
    notes.iter().for_each(|note| text += &format!("\nnote: {}\n", with_flags(note)));
    text
}
