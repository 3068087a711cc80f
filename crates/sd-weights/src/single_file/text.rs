use crate::View;
use crate::name_table::Table;

/// The modules of a layer.
const LAYER: [(&str, &str); 5] = [
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("attn.out_proj", "self_attn.out_proj"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
];

/// Returns the names of OpenCLIP's text encoder with `layers` layers. Its queries, keys and values are packed into one
/// matrix, and its projection multiplies from the other side.
pub fn open_clip(layers: usize) -> Table {
    let mut table = Table::default();
    table.row("token_embedding", "text_model.embeddings.token_embedding");
    table.row("positional_embedding", "text_model.embeddings.position_embedding.weight");
    table.row("ln_final", "text_model.final_layer_norm");
    resblocks(&mut table, layers, "text_model.encoder.layers");
    table
}

/// Returns the names of OpenCLIP's text encoder with its projection.
pub fn open_clip_with_projection(layers: usize) -> Table {
    let mut table = open_clip(layers);
    table.view("text_projection", "text_projection.weight", View::Transposed);
    // Some programs write it as the weight of a linear layer, which is not transposed.
    table.alias("text_projection.weight", "text_projection.weight");
    table
}

/// Adds the layers of a text or an image encoder.
pub(super) fn resblocks(table: &mut Table, count: usize, diffusers: &str) {
    for layer in 0..count {
        let (single, diffusers) = (format!("transformer.resblocks.{layer}"), format!("{diffusers}.{layer}"));
        for (s, d) in LAYER {
            table.row(format!("{single}.{s}"), format!("{diffusers}.{d}"));
        }
        for (i, part) in ["q_proj", "k_proj", "v_proj"].into_iter().enumerate() {
            for kind in ["weight", "bias"] {
                let packed = format!("{single}.attn.in_proj_{kind}");
                table.view(packed, format!("{diffusers}.self_attn.{part}.{kind}"), View::Third(i));
            }
        }
    }
}
