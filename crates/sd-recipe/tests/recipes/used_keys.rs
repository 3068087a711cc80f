use sd_recipe::Recipe;

use crate::write;

const KINDS: [&str; 7] =
    ["autoencoder", "pixels", "text-to-image", "controlnet", "lora", "textual-inversion", "distillation"];

/// What reading a recipe says of a key in one of its tables; nothing if the recipe is complete.
fn said_of(kind: &str, table: &str, line: &str) -> String {
    let base = format!(
        "train = \"{kind}\"\noutput = \"o\"\n[data]\nscenes = 1\nsize = 8\n[training]\nsteps = 1\nbatch = 1\nrate = 1.0\n"
    );
    let header = format!("[{table}]\n");
    let text = match base.contains(&header) {
        true => base.replace(&header, &format!("{header}{line}\n")),
        false => format!("{base}{header}{line}\n"),
    };
    let folder = tempfile::tempdir().unwrap();
    Recipe::read(&write(folder.path(), "recipe.toml", &text)).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn a_key_that_a_training_does_not_use_is_named() {
    let of_latents: &[&str] = &["text-to-image", "controlnet", "lora", "textual-inversion"];
    let with_captions = [of_latents, &["distillation"]].concat();
    let by_noise = [of_latents, &["pixels"]].concat();
    for (table, line, used) in [
        ("data", "trigger = \"x\"", &with_captions[..]),
        ("data", "shuffle_tags = false", of_latents),
        ("data", "keep_tags = 0", of_latents),
        ("data", "folder_repeats = true", of_latents),
        ("data", "buckets = true", &["text-to-image", "lora", "textual-inversion"]),
        ("data", "masks = \"x\"", of_latents),
        ("data", "flip = true", &KINDS),
        ("diffusion", "min_snr_gamma = 5.0", &by_noise),
        ("diffusion", "importance_sampling = true", &by_noise),
        ("diffusion", "noise_offset = 0.1", &by_noise),
        ("diffusion", "caption_dropout = 0.2", of_latents),
        ("diffusion", "freeze_text_encoder = true", &["text-to-image"]),
        ("diffusion", "autoencoder = \"x\"", &["text-to-image"]),
        ("autoencoder", "kl_weight = 1e-6", &["autoencoder"]),
        ("control", "condition = \"canny\"", &["controlnet"]),
        ("distillation", "skip = 20", &["distillation"]),
        ("lora", "rank = 4", &["lora"]),
        ("inversion", "token = \"x\"\ninitial = \"y\"", &["textual-inversion"]),
        ("prior", "prompt = \"x\"", &["text-to-image", "lora"]),
        ("samples", "steps = 4", &[&with_captions[..], &["pixels"]].concat()),
        ("samples", "guidance = 4.0", &with_captions),
        ("samples", "count = 4", &KINDS),
    ] {
        let key = line.split(' ').next().unwrap();
        for kind in KINDS {
            let said = said_of(kind, table, line);
            let is_refused = said.contains("is not used in this training: remove it")
                && (said.contains(&format!("`{table}.{key}`")) || said.contains(&format!("[{table}]")));
            assert_eq!(is_refused, !used.contains(&kind), "{kind}, {table}, {line}: {said}");
        }
    }
}
