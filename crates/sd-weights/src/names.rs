//! Key names, past and present.

/// Fields of modules whose name differs from the checkpoint's key.
const FIELDS: [(&str, &str); 4] =
    [(".to_out.", ".to_out.0."), (".ff.proj.", ".ff.net.0.proj."), (".ff.out.", ".ff.net.2."), (".alone.", ".")];

/// A module that holds parameters which a ControlNet's checkpoint has at its top.
const GROUP: &str = "union.";

/// Names in the autoencoder's attention: the present ones, and those before diffusers 0.15.
const OLD_ATTENTION: [(&str, &str); 4] =
    [(".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")];

/// Keys that hold no weights.
const IGNORED: [&str; 3] =
    ["text_model.embeddings.position_ids", "vision_model.embeddings.position_ids", "embeddings.position_ids"];

/// The prefix of an image encoder's keys, which is that of its parameters too.
const VISION: &str = "vision_model.";

/// Returns the keys that a parameter may have in a file, the present one first.
///
/// `path` is the parameter's path in its module, `module` the type that holds it.
pub(crate) fn keys(path: &str, module: &str) -> Vec<String> {
    let mut key = path.strip_prefix(GROUP).unwrap_or(path).to_string();
    if matches!(module, "GroupNorm" | "LayerNorm") {
        key = replace_end(replace_end(key, ".gamma", ".weight"), ".beta", ".bias");
    }
    for (field, name) in FIELDS {
        key = key.replace(field, name);
    }
    // transformers 5 writes an image encoder without projection without its prefix.
    if let Some(bare) = key.strip_prefix(VISION) {
        return vec![key.clone(), bare.to_string()];
    }
    let old = OLD_ATTENTION.iter().fold(key.clone(), |key, (new, old)| key.replace(new, old));
    // AutoencoderTiny's encoder has layers too, of convolutions.
    let is_text = ["embeddings.", "encoder.layers.", "final_layer_norm."].iter().any(|start| key.starts_with(start))
        && !(key.contains(".conv.") || path.contains(".alone."));
    match (is_text, old == key) {
        // Published files have the prefix; transformers 5 writes it no more.
        (true, _) => vec![format!("text_model.{key}"), key],
        (false, true) => vec![key],
        (false, false) => vec![key, old],
    }
}

/// Whether a key of a file may go unused.
pub(crate) fn is_ignored(key: &str) -> bool {
    IGNORED.contains(&key)
}

fn replace_end(key: String, end: &str, with: &str) -> String {
    match key.strip_suffix(end) {
        Some(start) => format!("{start}{with}"),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_keys() {
        assert_eq!(keys("mid_block.resnets.0.norm1.gamma", "GroupNorm"), ["mid_block.resnets.0.norm1.weight"]);
        assert_eq!(keys("a.ff.out.bias", "Linear"), ["a.ff.net.2.bias"]);
        assert_eq!(keys("union.spatial_ch_projs.bias", "Linear"), ["spatial_ch_projs.bias"]);
        assert_eq!(keys("a.attentions.0.to_q.weight", "Linear")[1], "a.attentions.0.query.weight");
        assert_eq!(keys("a.attentions.0.to_out.bias", "Linear")[1], "a.attentions.0.proj_attn.bias");
    }

    #[test]
    fn a_text_encoder_is_read_with_and_without_its_prefix() {
        let names = keys("encoder.layers.0.mlp.fc1.weight", "Linear");
        assert_eq!(names, ["text_model.encoder.layers.0.mlp.fc1.weight", "encoder.layers.0.mlp.fc1.weight"]);
    }

    #[test]
    fn an_image_encoder_is_read_with_and_without_its_prefix() {
        let names = keys("vision_model.pre_layrnorm.gamma", "LayerNorm");
        assert_eq!(names, ["vision_model.pre_layrnorm.weight", "pre_layrnorm.weight"]);
        assert_eq!(keys("visual_projection.weight", "Linear"), ["visual_projection.weight"]);
    }
}
