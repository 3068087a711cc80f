use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::networks::Networks;
use crate::lora_config::{KindName, TargetsName};
use crate::{Dataset, LoraConfig, Recipe};

/// The width of the text encoder of Stable Diffusion 2.x.
const V2_WIDTH: usize = 1024;

/// Returns what a LoRA's file says of its training, under the names of kohya's programs (`networks/lora.py`,
/// `library/train_util.py`). Programs show it, and people look up captions and learning rates there.
pub(super) fn metadata(
    recipe: &Recipe,
    lora: &LoraConfig,
    images: &[Dataset],
    networks: &Networks,
) -> BTreeMap<String, String> {
    let (training, base) = (&recipe.training, base(networks));
    let (module, arguments) = match (lora.kind, lora.targets) {
        (KindName::Lora, TargetsName::All) => {
            ("networks.lora", json!({ "conv_dim": lora.rank.to_string(), "conv_alpha": lora.alpha().to_string() }))
        }
        (KindName::Lora, _) => ("networks.lora", json!({})),
        (KindName::Dora, _) => ("lycoris.kohya", json!({ "algo": "lora", "dora_wd": "True" })),
        (KindName::Loha, _) => ("lycoris.kohya", json!({ "algo": "loha" })),
        (KindName::Lokr, _) => ("lycoris.kohya", json!({ "algo": "lokr" })),
    };
    let size = recipe.data.size;
    let shown = |images: &Dataset| match images.repeats.is_empty() {
        true => images.len(),
        false => images.repeats.iter().sum(),
    };
    let shown: usize = images.iter().map(shown).sum();
    let rate = training.rate.to_string();
    let python = |value: bool| if value { "True" } else { "False" }.to_string();
    let name = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let mut entries = vec![
        ("ss_network_module", module.to_string()),
        ("ss_network_dim", lora.rank.to_string()),
        ("ss_network_alpha", lora.alpha().to_string()),
        ("ss_network_args", arguments.to_string()),
        ("ss_network_dropout", lora.dropout.to_string()),
        ("ss_output_name", name(Some(&recipe.output))),
        ("ss_sd_model_name", name(recipe.start.as_deref())),
        ("ss_base_model_version", base.into()),
        ("ss_v2", python(base == "sd_v2")),
        ("ss_resolution", format!("({size}, {size})")),
        ("ss_enable_bucket", python(recipe.data.buckets)),
        ("ss_num_train_images", shown.to_string()),
        ("ss_max_train_steps", training.steps.to_string()),
        ("ss_total_batch_size", training.batch.to_string()),
        ("ss_gradient_accumulation_steps", (training.passes() / training.workers).to_string()),
        ("ss_learning_rate", rate.clone()),
        ("ss_unet_lr", rate.clone()),
        ("ss_lr_scheduler", "cosine".into()),
        ("ss_lr_warmup_steps", training.warm_up.to_string()),
        ("ss_optimizer", format!("AdamW(weight_decay={})", training.weight_decay)),
        ("ss_max_grad_norm", training.clip_norm.to_string()),
        ("ss_seed", recipe.seed.to_string()),
        ("ss_mixed_precision", "no".into()),
        ("ss_caption_dropout_rate", recipe.caption_dropout().to_string()),
        ("ss_noise_offset", recipe.diffusion.noise_offset.to_string()),
        ("ss_shuffle_caption", python(recipe.data.shuffle_tags)),
        ("ss_keep_tokens", recipe.data.kept_tags().to_string()),
        ("ss_flip_aug", python(recipe.data.flip)),
        ("ss_tag_frequency", json!({ "images": frequencies(images) }).to_string()),
    ];
    entries.extend(lora.text_encoder.then_some(("ss_text_encoder_lr", rate)));
    entries.extend(recipe.diffusion.min_snr_gamma.map(|gamma| ("ss_min_snr_gamma", gamma.to_string())));
    entries.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

/// kohya's name for the model that a LoRA changes.
fn base(networks: &Networks) -> &'static str {
    match (&networks.text_2, networks.text.hidden_size) {
        (Some(_), _) => "sdxl_base_v1-0",
        (None, V2_WIDTH) => "sd_v2",
        (None, _) => "sd_v1",
    }
}

/// The most tags that are counted: captions that are sentences would fill the file.
const MOST_TAGS: usize = 100;

/// Counts the tags of all captions, the parts between commas; returns the most frequent ones.
fn frequencies(images: &[Dataset]) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let tags = images.iter().flat_map(|images| &images.captions).flat_map(|caption| caption.split(','));
    tags.map(str::trim).filter(|tag| !tag.is_empty()).for_each(|tag| *counts.entry(tag.to_string()).or_default() += 1);
    let mut sorted: Vec<(String, usize)> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted.truncate(MOST_TAGS);
    sorted.into_iter().collect()
}
