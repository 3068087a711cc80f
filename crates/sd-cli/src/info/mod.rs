use std::collections::BTreeMap;
use std::path::PathBuf;

use sd_pipeline::{Description, describe};
use sd_tune::TunedSchedule;

use crate::again;
use crate::failure::Failure;
use crate::flag_names::with_flags;
use crate::installed;
use crate::model::ChoiceFlags;
use crate::print::print;

mod control;
mod image;
mod image_adapter;
mod model;
mod tuned;

/// Describe a model, a control network or an IP-Adapter without reading its weights; or what an image says about its making, or a
/// schedule of `sd tune`.
///
/// The path is a folder or a single file, not a name on the hub: a model, a ControlNet in any layout, a T2I-Adapter, an IP-Adapter, or
/// an image encoder of CLIP. Other kinds of files are named and refused. Of a PNG, JPEG or WebP file, prompt and settings are printed,
/// as sd-burn, AUTOMATIC1111 or ComfyUI wrote them.
#[derive(clap::Args)]
pub struct Args {
    /// Folder, or single file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    choices: ChoiceFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a description of what the path holds.
pub fn run(args: &Args) -> Result<(), Failure> {
    if image::is_image(&args.path) {
        let said = again::read(&args.path)?;
        let text = || image::as_text(&args.path, &said);
        print(&if args.json { format!("{:#}\n", image::as_json(&args.path, &said)) } else { text() });
        return Ok(());
    }
    if crate::schedule::is_file(&args.path) {
        let tuned = TunedSchedule::read(&args.path)?;
        print(&if args.json { format!("{:#}\n", serde_json::json!(tuned)) } else { tuned::as_text(&tuned) });
        return Ok(());
    }
    let (json, text) = match describe(&args.path, &args.choices.choices())? {
        Description::Model(summary) => {
            let tuned = installed::all(&args.path)?;
            (model::as_json(&summary, &tuned), model::as_text(&summary, &tuned))
        }
        Description::Control(summary) => (control::as_json(&summary), control::as_text(&summary)),
        Description::ImageAdapter(summary) => (image_adapter::as_json(&summary), image_adapter::as_text(&summary)),
        Description::ImageEncoder(summary) => {
            (image_adapter::encoder_as_json(&summary), image_adapter::encoder_as_text(&summary))
        }
    };
    print(&if args.json { format!("{json:#}\n") } else { text });
    Ok(())
}

/// A table of properties: their names, and their values.
fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    rows.iter().map(|(name, value)| format!("{name:<width$}{value}\n")).collect()
}

/// The ends of descriptions.
fn metadata_and_notes(metadata: &BTreeMap<String, String>, notes: &[String]) -> String {
    let mut text = String::new();
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
