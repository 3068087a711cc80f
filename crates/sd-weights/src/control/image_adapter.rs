use crate::name_table::Table;
use crate::single_file::{part, renamed};
use crate::{View, Weights, WeightsError};

/// The kinds of projections, each with a tensor that only it has.
const KINDS: [(Kind, &str); 3] = [
    (Kind::Plain, "image_proj.proj.weight"),
    (Kind::Full, "image_proj.proj.3.weight"),
    (Kind::Plus, "image_proj.latents"),
];

/// Width of the embeddings of InsightFace's face recogniser.
const FACE: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Full,
    Plus,
}

/// Whether these are the weights of an IP-Adapter of any kind.
pub fn is_image_adapter(weights: &Weights) -> bool {
    weights.keys().any(|key| key.starts_with("image_proj.") || key.starts_with("ip_adapter."))
}

/// Renames an IP-Adapter (`image_proj.…`, `ip_adapter.1.to_k_ip.…`) to the names of modules: diffusers' for the projection,
/// `ip_adapter.layers.0.to_k_ip` and so on for keys and values.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for adapters that read faces by a face recogniser, and for anything that is no IP-Adapter.
pub fn image_adapter(weights: &Weights) -> Result<Weights, WeightsError> {
    let refuse = |what: &str, remedy: &str| {
        let (file, what, remedy) = (weights.origin().to_path_buf(), what.to_string(), remedy.to_string());
        Err(WeightsError::NotAModel { file, what, remedy })
    };
    if let Some(what) = face(weights) {
        return refuse(
            what,
            "it reads the embeddings of a face recogniser (InsightFace), which is not supported: use an IP-Adapter Plus Face",
        );
    }
    let kind = KINDS.into_iter().find(|(_, key)| weights.shape(key).is_some());
    let Some((kind, _)) = kind.filter(|_| weights.shape("ip_adapter.1.to_k_ip.weight").is_some()) else {
        let expected = "supported are the IP-Adapters for Stable Diffusion 1.x, 2.x and XL: plain, Plus, Plus Face and Full \
                        (image_proj…, ip_adapter.1.to_k_ip…)";
        return refuse("no such IP-Adapter", expected);
    };
    let mut table = match kind {
        Kind::Plain => rows(&[("proj", "image_embeds"), ("norm", "norm")]),
        Kind::Full => rows(&[("proj.0", "ff.net.0.proj"), ("proj.2", "ff.net.2"), ("proj.3", "norm")]),
        Kind::Plus => plus(count(weights, |layer| format!("image_proj.layers.{layer}.0.to_q.weight"))),
    };
    // Between two cross-attention layers, a self-attention layer without weights has a number as well.
    for layer in 0..count(weights, |layer| format!("ip_adapter.{}.to_k_ip.weight", 2 * layer + 1)) {
        table.row(format!("ip_adapter.{}", 2 * layer + 1), format!("ip_adapter.layers.{layer}"));
    }
    renamed(weights, "", table, |key, table| part(key, "", table))
}

/// Describes an adapter that reads faces by a face recogniser.
fn face(weights: &Weights) -> Option<&'static str> {
    let any = |part: &str| weights.keys().any(|key| key.contains(part));
    let inputs = |key: &str| weights.shape(key).and_then(|shape| shape.get(1)).copied();
    let is_mlp = inputs("image_proj.proj.0.weight").is_some() && weights.shape("image_proj.proj.3.weight").is_none();
    match () {
        () if any("image_proj.perceiver_resampler.") => Some("an IP-Adapter FaceID Plus"),
        () if is_mlp || any(".to_q_lora.") => Some("an IP-Adapter FaceID"),
        () if inputs("image_proj.proj_in.weight") == Some(FACE) => Some("the IP-Adapter of InstantID"),
        () => None,
    }
}

fn rows(modules: &[(&str, &str)]) -> Table {
    let mut table = Table::default();
    for (original, here) in modules {
        table.row(format!("image_proj.{original}"), format!("image_proj.{here}"));
    }
    table
}

/// Returns the names of the projection of IP-Adapter Plus, which packs keys and values into one matrix.
fn plus(layers: usize) -> Table {
    let names = ["latents", "proj_in", "proj_out", "norm_out"];
    let mut table = rows(&names.map(|name| (name, name)));
    for layer in 0..layers {
        let name = format!("image_proj.layers.{layer}");
        for (original, here) in [
            ("0.norm1", "ln0"),
            ("0.norm2", "ln1"),
            ("0.to_q", "attn.to_q"),
            ("0.to_out", "attn.to_out.0"),
            ("1.0", "ff_norm"),
            ("1.1", "ff.net.0.proj"),
            ("1.3", "ff.net.2"),
        ] {
            table.row(format!("{name}.{original}"), format!("{name}.{here}"));
        }
        for (half, here) in ["to_k", "to_v"].into_iter().enumerate() {
            table.view(format!("{name}.0.to_kv.weight"), format!("{name}.attn.{here}.weight"), View::Half(half));
        }
    }
    table
}

fn count(weights: &Weights, key: impl Fn(usize) -> String) -> usize {
    (0..).take_while(|i| weights.shape(&key(*i)).is_some()).count()
}
