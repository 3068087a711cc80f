//! CLIP's image encoder in a file of its own, or beside the text encoder.

use super::text::resblocks;
use super::{part, renamed};
use crate::name_table::Table;
use crate::{View, Weights, WeightsError};

const PREFIX: &str = "vision_model.";
const PROJECTION: &str = "visual_projection.weight";

/// Renames the image encoder of a file to the names of transformers, with `vision_model.` before them.
///
/// The file may have these names, the same without the prefix, or those of OpenCLIP and the original CLIP (`visual.…`). Anything may
/// be in front of them. Text encoders beside it are left out.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for anything else.
pub fn image_encoder(weights: Weights) -> Result<Weights, WeightsError> {
    match Names::of(&weights) {
        Some(Names::Transformers { prefix, projection }) => weights.select(|key| match key.strip_prefix(&prefix) {
            _ if key == projection => whole(PROJECTION.to_string()),
            Some(name) => whole(format!("{PREFIX}{name}")),
            None => Vec::new(),
        }),
        Some(Names::OpenClip { prefix }) => {
            let layer = |i: usize| format!("{prefix}transformer.resblocks.{i}.ln_1.weight");
            let table = open_clip_vision((0..).take_while(|i| weights.shape(&layer(*i)).is_some()).count());
            renamed(&weights, &prefix, table, |key, table| part(key, &prefix, table))
        }
        None => {
            let (file, what) = (weights.origin().to_path_buf(), "no image encoder of CLIP".to_string());
            let remedy = "expected the names of transformers (vision_model.embeddings…) or of OpenCLIP (visual.conv1…): name the \
                          `image_encoder` that belongs to the IP-Adapter";
            Err(WeightsError::NotAModel { file, what, remedy: remedy.into() })
        }
    }
}

/// Whether [`image_encoder`] finds one.
pub fn is_image_encoder(weights: &Weights) -> bool {
    Names::of(weights).is_some()
}

/// Returns the names of OpenCLIP's image encoder with `layers` layers, and its projection, which multiplies from the other side.
pub fn open_clip_vision(layers: usize) -> Table {
    let mut table = Table::default();
    table.row("class_embedding", "vision_model.embeddings.class_embedding");
    table.row("conv1", "vision_model.embeddings.patch_embedding");
    table.row("positional_embedding", "vision_model.embeddings.position_embedding.weight");
    table.row("ln_pre", "vision_model.pre_layrnorm");
    table.row("ln_post", "vision_model.post_layernorm");
    resblocks(&mut table, layers, "vision_model.encoder.layers");
    table.view("proj", PROJECTION, View::Transposed);
    table
}

/// The naming scheme of an image encoder.
enum Names {
    /// As in transformers: the prefix of the modules, and the key of the projection.
    Transformers { prefix: String, projection: String },
    /// As in OpenCLIP: the prefix.
    OpenClip { prefix: String },
}

impl Names {
    fn of(weights: &Weights) -> Option<Self> {
        if let Some(prefix) = prefix(weights, "embeddings.class_embedding") {
            let outer = prefix.strip_suffix(PREFIX).unwrap_or(&prefix);
            return Some(Self::Transformers { projection: format!("{outer}{PROJECTION}"), prefix });
        }
        // Other image encoders of OpenCLIP have no such convolution, or no token for the whole image.
        let prefix = prefix(weights, "class_embedding")?;
        weights.shape(&format!("{prefix}conv1.weight")).map(|_| Self::OpenClip { prefix })
    }
}

/// Returns what is in front of a module's name, if any key ends with it.
fn prefix(weights: &Weights, module: &str) -> Option<String> {
    let prefixes = weights.keys().filter_map(|key| key.strip_suffix(module));
    prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).map(str::to_string).min_by_key(String::len)
}

fn whole(name: String) -> Vec<(String, View)> {
    vec![(name, View::Whole)]
}
