/// Folders of a model in the diffusers layout, and the names of their weights.
const PARTS: [(&str, &[&str]); 7] = [
    ("unet", &["diffusion_pytorch_model"]),
    ("vae", &["diffusion_pytorch_model"]),
    ("text_encoder", &["model", "pytorch_model"]),
    ("text_encoder_2", &["model", "pytorch_model"]),
    ("scheduler", &[]),
    ("tokenizer", &[]),
    ("tokenizer_2", &[]),
];

/// Weights of a network that is the whole repository: a control network in the diffusers layout, or an image encoder.
const NETWORKS: [&[&str]; 2] = [&["diffusion_pytorch_model"], &["model", "pytorch_model"]];

/// Selects the files of a repository, or of one of its folders, that a model or a network is read from; of several versions of
/// weights, the preferred one.
///
/// # Errors
///
/// What is missing, or which files are too many.
pub(crate) fn select_files(files: &[String]) -> Result<Vec<String>, String> {
    let is_there = |name: &str| files.iter().any(|file| file == name);
    let at_root: Vec<&str> = files.iter().map(String::as_str).filter(|file| !file.contains('/')).collect();
    if !is_there("model_index.json") {
        return network(&at_root).map_or_else(|| single(files), Ok);
    }
    let mut found = vec!["model_index.json".to_string()];
    // The first published models in pixel space have their parts at the root of the repository.
    if is_there("config.json") && !files.iter().any(|file| file.starts_with("unet/")) {
        let configs = ["config.json", "scheduler_config.json"].into_iter().filter(|name| is_there(name));
        found.extend(configs.map(str::to_string));
        found.extend(weights(&at_root, PARTS[0].1).into_iter().map(str::to_string));
    }
    for (part, stems) in PARTS {
        let inside: Vec<&str> = files.iter().filter_map(|file| file.strip_prefix(part)?.strip_prefix('/')).collect();
        let small = |name: &&&str| {
            let is_text = name.ends_with(".json") || name.ends_with(".txt");
            is_text && !name.ends_with(".index.json") && !name.contains(".index.") && !name.contains('/')
        };
        let weights = if inside.is_empty() { Vec::new() } else { weights(&inside, stems) };
        if !inside.is_empty() && !stems.is_empty() && weights.is_empty() {
            return Err(format!("its folder {part} has no weights that can be read (.safetensors or .bin)"));
        }
        let all = inside.iter().filter(small).copied().chain(weights);
        found.extend(all.map(|name| format!("{part}/{name}")));
    }
    Ok(found)
}

/// Selects a network's config and its weights; `None` if one of the two is missing.
fn network(inside: &[&str]) -> Option<Vec<String>> {
    let config = inside.iter().find(|name| **name == "config.json")?;
    let weights = NETWORKS.iter().map(|stems| weights(inside, stems)).find(|weights| !weights.is_empty())?;
    Some(std::iter::once(*config).chain(weights).map(str::to_string).collect())
}

/// Selects the weights of a folder: full precision before half, and safetensors before PyTorch's files. `sd-weights` reads them
/// in the same order; it is not used here, because it needs Burn.
fn weights<'a>(inside: &[&'a str], stems: &[&str]) -> Vec<&'a str> {
    for kind in ["safetensors", "bin"] {
        for stem in stems {
            for half in ["", ".fp16"] {
                let whole = format!("{stem}{half}.{kind}");
                let indices = [format!("{stem}.{kind}.index{half}.json"), format!("{stem}{half}.{kind}.index.json")];
                let find = |name: &str| inside.iter().copied().find(|other| *other == name);
                if let Some(name) = find(&whole) {
                    return vec![name];
                }
                if let Some(index) = indices.iter().find_map(|index| find(index)) {
                    let is_shard = |name: &&&str| {
                        let middle = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(&format!(".{kind}")));
                        middle.is_some_and(|middle| {
                            middle.contains("-of-") && middle.contains(".fp16") != half.is_empty()
                        })
                    };
                    return std::iter::once(index).chain(inside.iter().filter(is_shard).copied()).collect();
                }
            }
        }
    }
    Vec::new()
}

/// Selects the only single file of a repository.
fn single(files: &[String]) -> Result<Vec<String>, String> {
    let with_extension =
        |kind: &str| files.iter().filter(|file| file.ends_with(kind) && !file.contains('/')).collect::<Vec<_>>();
    // ControlNets are published as .pth, too.
    let kinds = [".safetensors", ".ckpt", ".pth"];
    let found = kinds.into_iter().map(with_extension).find(|found| !found.is_empty()).unwrap_or_default();
    match &found[..] {
        [file] => Ok(vec![file.to_string()]),
        [] => Err("it has neither a model_index.json nor a .safetensors or .ckpt: it is not a model that draws".into()),
        several => {
            let names: Vec<&str> = several.iter().take(6).map(|file| file.as_str()).collect();
            let more = if several.len() > 6 { ", …" } else { "" };
            Err(format!("it has several models: name one of them as owner/name/file: {}{more}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(files: &[&str]) -> Result<Vec<String>, String> {
        select_files(&files.iter().map(|file| file.to_string()).collect::<Vec<_>>())
    }

    /// The files of a well-known model of 1.5.
    #[test]
    fn one_precision_of_each_part_is_selected() {
        let found = select(&[
            "README.md",
            "model_index.json",
            "v1-5-pruned.ckpt",
            "v1-5-pruned-emaonly.safetensors",
            "feature_extractor/preprocessor_config.json",
            "safety_checker/config.json",
            "safety_checker/model.safetensors",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.fp16.safetensors",
            "text_encoder/model.safetensors",
            "text_encoder/pytorch_model.bin",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.bin",
            "unet/diffusion_pytorch_model.fp16.bin",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "unet/diffusion_pytorch_model.non_ema.safetensors",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.fp16.safetensors",
        ]);
        let expected = [
            "model_index.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.fp16.safetensors",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "scheduler/scheduler_config.json",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
        ];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn shards_come_with_their_index() {
        let stem = "unet/diffusion_pytorch_model";
        let index = format!("{stem}.safetensors.index.json");
        let shards = [1, 2].map(|i| format!("{stem}-0000{i}-of-00002.safetensors"));
        let half = [1, 2].map(|i| format!("{stem}.fp16-0000{i}-of-00002.safetensors"));
        let all = [&["model_index.json".to_string(), index.clone()], &shards[..], &half[..]].concat();
        assert_eq!(select_files(&all).unwrap(), [&["model_index.json".to_string(), index], &shards[..]].concat());
        let index = format!("{stem}.safetensors.index.fp16.json");
        let all = [&["model_index.json".to_string(), index.clone()], &half[..]].concat();
        assert_eq!(select_files(&all).unwrap(), [&["model_index.json".to_string(), index], &half[..]].concat());
    }

    /// The files of an early DDPM.
    #[test]
    fn parts_may_be_at_the_root_of_the_repository() {
        let weights = "diffusion_pytorch_model.safetensors";
        let all = ["README.md", "config.json", "diffusion_pytorch_model.bin", weights, "model_index.json"];
        let expected = ["model_index.json", "config.json", "scheduler_config.json", weights];
        assert_eq!(select(&[&all[..], &["scheduler_config.json", "images/a.png"]].concat()).unwrap(), expected);
    }

    /// Every pair of names decides an order. The reader's choice shows in its error about an empty file.
    #[test]
    fn the_selected_weights_are_those_that_are_read() {
        for (part, stem, torch) in
            [("unet", "diffusion_pytorch_model", "diffusion_pytorch_model"), ("text_encoder", "model", "pytorch_model")]
        {
            let names: Vec<String> = [(stem, "safetensors"), (torch, "bin")]
                .into_iter()
                .flat_map(|(stem, kind)| {
                    let middles = ["", ".fp16"].map(|half| format!("{stem}{half}.{kind}"));
                    let indices = [
                        format!("{stem}.{kind}.index.json"),
                        format!("{stem}.{kind}.index.fp16.json"),
                        format!("{stem}.fp16.{kind}.index.json"),
                    ];
                    middles.into_iter().chain(indices)
                })
                .collect();
            for first in &names {
                for second in &names {
                    let folder = tempfile::tempdir().unwrap();
                    for name in [first, second] {
                        std::fs::write(folder.path().join(name), "").unwrap();
                    }
                    let listed = [first, second].map(|name| format!("{part}/{name}"));
                    let selected = select_files(&[&["model_index.json".to_string()], &listed[..]].concat()).unwrap();
                    let read = sd_weights::Weights::in_folder(folder.path(), stem).unwrap_err().to_string();
                    let (_, selected) = selected[1].split_once('/').unwrap();
                    assert!(read.contains(&format!("/{selected}")), "{selected} was selected, but: {read}");
                }
            }
        }
    }

    #[test]
    fn a_control_network_is_a_config_and_weights() {
        let (config, weights) = ("config.json", "diffusion_pytorch_model.safetensors");
        let all =
            ["README.md", config, "diffusion_pytorch_model.bin", "diffusion_pytorch_model.fp16.safetensors", weights];
        assert_eq!(select(&all).unwrap(), [config, weights]);
        // An image encoder beside a training's state.
        let all = [config, "pytorch_model.bin", "model.safetensors", "optimizer.pth"];
        assert_eq!(select(&all).unwrap(), [config, "model.safetensors"]);
        assert_eq!(select(&[weights]).unwrap(), [weights]);
        assert_eq!(select(&["control_sd15_canny.pth", "README.md"]).unwrap(), ["control_sd15_canny.pth"]);
    }

    #[test]
    fn without_an_index_there_is_one_file() {
        assert_eq!(select(&["README.md", "a.safetensors", "b.ckpt", "lora/c.safetensors"]).unwrap(), ["a.safetensors"]);
        assert_eq!(select(&["b.ckpt"]).unwrap(), ["b.ckpt"]);
        assert!(select(&["a.safetensors", "b.safetensors"]).unwrap_err().contains("a.safetensors, b.safetensors"));
        assert!(select(&["README.md"]).unwrap_err().contains("not a model that draws"));
        assert!(select(&["model_index.json", "unet/config.json"]).unwrap_err().contains("unet has no weights"));
    }
}
