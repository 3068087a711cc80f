use std::fmt::Display;
use std::path::{Path, PathBuf};

use sd_pipeline::{ControlFile, ControlKind, ImageAdapterFile, Model, ModelError, TextualInversion};

use super::files::{Control, Files};
use super::notices::Notices;
use crate::{EngineError, Library};

/// Opens a model and adds the networks and words of a job, but no LoRAs. No weights are read.
pub fn open(files: &Files, library: &Library) -> Result<(Model, Notices), EngineError> {
    let choices = files.choices();
    let mut model = match (&files.model.path, library.builtin()) {
        (Some(path), _) => Model::open_with(path, &choices)?,
        (None, Some(builtin)) => builtin.open(&choices)?,
        (None, None) => return Err(EngineError::NoModel),
    };
    let mut notices = Notices { notes: Vec::new(), warnings: model.notes().to_vec() };
    for control in &files.controls {
        add_control(&mut model, control, library, &mut notices).map_err(in_field("control"))?;
    }
    for (path, encoder) in &files.image_adapters {
        add_image_adapter(&mut model, path, encoder.as_deref(), &mut notices).map_err(in_field("image_prompt"))?;
    }
    add_words(&mut model, &files.embeddings, &mut notices)?;
    Ok((model, notices))
}

fn add_control(
    model: &mut Model,
    control: &Control,
    library: &Library,
    notices: &mut Notices,
) -> Result<(), ModelError> {
    let file = match control {
        Control::At(path) => ControlFile::open(path)?,
        Control::BuiltIn(name) => {
            let builtin = library.builtin().and_then(|builtin| builtin.open_control(name));
            builtin.unwrap_or_else(|| ControlFile::open(name))?
        }
    };
    let runs = if file.kind() == ControlKind::Adapter { "once" } else { "beside the U-Net at every step" };
    notices.notes.push(described(&file.name(), &file.kind(), file.elements(), runs));
    notices.warnings.extend_from_slice(file.notes());
    model.add_control(file)?;
    Ok(())
}

fn add_image_adapter(
    model: &mut Model,
    path: &Path,
    encoder: Option<&Path>,
    notices: &mut Notices,
) -> Result<(), ModelError> {
    let adapter = ImageAdapterFile::open(path, encoder)?;
    notices.notes.push(described(&adapter.name(), &adapter.kind(), adapter.elements(), "once"));
    model.add_image_adapter(adapter)?;
    Ok(())
}

fn in_field(field: &'static str) -> impl Fn(ModelError) -> EngineError {
    move |error| EngineError::Network { field, source: error.into() }
}

/// What a network is, how large, and how often it runs.
fn described(name: &str, kind: &dyn Display, weights: usize, runs: &str) -> String {
    format!("{name}: {kind} of {:.1} million weights, runs {runs}", weights as f64 / 1e6)
}

fn add_words(
    model: &mut Model,
    embeddings: &[(PathBuf, Option<String>)],
    notices: &mut Notices,
) -> Result<(), EngineError> {
    let mut inversions = Vec::new();
    for (path, word) in embeddings {
        let mut inversion = TextualInversion::open(path)?;
        inversion.word = word.clone().unwrap_or(inversion.word);
        let TextualInversion { file, word, unread, .. } = &inversion;
        if !unread.is_empty() {
            let unread = unread.join(", ");
            notices.warnings.push(format!("{}: ignored {unread}, which is not a vector of its word", file.display()));
        }
        notices.notes.push(format!("{}: use the word {word:?} in prompts", file.display()));
        inversions.push(inversion);
    }
    // Of two files with one word, each has the vectors of one text encoder.
    TextualInversion::joined(inversions).iter().try_for_each(|inversion| Ok(model.add_word(inversion)?))
}
