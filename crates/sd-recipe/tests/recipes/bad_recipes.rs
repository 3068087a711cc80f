use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, train};

/// The error of a recipe in which `from` is replaced.
fn error(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), &text.replace(from, to), None).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_with_a_recipe_is_named_with_its_key() {
    for (from, to, expected) in [
        ("size = 16", "size = ", "recipe.toml: line 6, column 8: "),
        ("size = 16", "sice = 16", "line 6, column 1: unknown field `sice`"),
        ("size = 16", "size = \"16\"", "line 6, column 8: invalid type: string"),
        ("\"autoencoder\"", "\"wings\"", "unknown variant `wings`"),
        ("output = \"OUT/autoencoder\"", "", "missing field `output`"),
        ("steps = 4", "steps = 0", "`training.steps` is 0, expected at least 1"),
        ("batch = 4", "batch = 5", "`training.batch` is 5, which does not divide into 2 passes"),
        ("workers = 2", "workers = 3\npasses = 4", "`training.passes` is 4, which does not divide among 3 workers"),
        ("rate = 1e-3", "rate = 0.0", "`training.rate` is 0, expected a number above 0"),
        (
            "rate = 1e-3",
            "rate = 1e-3\nema_decay = 1.0",
            "`training.ema_decay` is 1, expected a number from 0 to below 1",
        ),
        ("scenes = 6", "", "either `scenes`, a number of images, or `folder`, a path"),
        ("scenes = 6", "scenes = 6\nfolder = \"x\"", "either `scenes`"),
        ("[vae]", "[unet]", "no table [vae]"),
        ("[training]", "[scheduler]\n[training]", "[scheduler] is not used in this training"),
        (
            "norm_num_groups = 2",
            "norm_num_groups = 3",
            "recipe.toml/[vae]: 4 channels do not divide into `norm_num_groups`, 3",
        ),
        ("norm_num_groups = 2", "norm_groups = 2", "`norm_groups`"),
        ("size = 16", "size = 15", "`data.size` is 15, expected a multiple of 2"),
        ("count = 2", "count = 2\ndtype = \"f8\"", "`samples.dtype` is \"f8\", expected \"f32\", \"f16\" or \"bf16\""),
        ("batch = 4\nworkers = 2", "batch = 8\nworkers = 8", "8 workers, but only 6 images"),
    ] {
        let error = error(AUTOENCODER, from, to);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn networks_that_do_not_fit_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, None).unwrap();
    for (from, to, expected) in [
        ("cross_attention_dim = 8", "cross_attention_dim = 12", "`cross_attention_dim` is 12, but the text encoder's"),
        ("size = 16", "size = 18", "`data.size` is 18, expected a multiple of 4"),
        ("norm_num_groups = 2", "norm_num_groups = 2\nin_channels = 3", "takes 3 channels and gives 4"),
        (
            "autoencoder = \"OUT/autoencoder/model\"",
            "",
            "`diffusion.autoencoder` is missing: name the folder that contains vae/",
        ),
        ("steps = 2", "steps = 2\nguidance = nan", "`samples.guidance` is NaN, expected a finite number"),
        ("OUT/autoencoder/model", "OUT/nowhere", "nowhere/vae/config.json: No such file"),
        ("hidden_size = 8", "hidden_size = 8\nvocab_size = 300", "`vocab_size` is 300, expected at least 514"),
    ] {
        assert!(TEXT_TO_IMAGE.contains(from), "{from}");
        let error = train(folder.path(), &TEXT_TO_IMAGE.replace(from, to), None).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_recipe_in_pixels_needs_no_text() {
    for (from, to, expected) in [
        ("[scheduler]", "[text_encoder]\n[scheduler]", "[text_encoder] is not used in this training"),
        ("size = 16\n[unet]", "size = 15\n[unet]", "`data.size` is 15, expected a multiple of 2"),
        ("attention_head_dim = 4", "attention_head_dim = 3", "recipe.toml/[unet]: "),
    ] {
        let error = error(PIXELS, from, to);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

/// Sizes beyond any machine are refused before anything is done, and not when memory runs out.
#[test]
fn sizes_that_cannot_fit_are_refused_with_their_key() {
    for (text, from, to, expected) in [
        (AUTOENCODER, "scenes = 6", "scenes = 100000000000000", "`data.scenes`: 100000000000000 images take"),
        (AUTOENCODER, "size = 16", "size = 100000000", "`data.size`: an image of that size takes"),
        (AUTOENCODER, "size = 16", "size = 4611686018427387904", "`data.size`: an image of that size takes"),
        (AUTOENCODER, "count = 2", "count = 100000000000000", "`samples.count`: 100000000000000 samples take"),
        (AUTOENCODER, "batch = 4", "batch = 100000000000000", "`training.batch`: its images take"),
        (AUTOENCODER, "[4, 4]", "[1048576, 1048576]", "[vae]: training "),
        (PIXELS, "batch = 4", "batch = 100000000000000", "`training.batch`: its images take"),
        (PIXELS, "[4, 8]", "[1048576, 1048576]", "[unet]: training "),
        (AUTOENCODER, "batch = 4\nworkers = 2", "batch = 9999\nworkers = 9999", "`training.workers`: 9999 workers"),
    ] {
        let error = error(text, from, to);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn samples_that_cannot_be_drawn_are_found_out_before_the_training() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, None).unwrap();
    for (text, name) in [(PIXELS, "pixels"), (TEXT_TO_IMAGE, "model")] {
        let many = text.replace("count = 2\nsteps = 2", "count = 2\nsteps = 1001");
        let error = train(folder.path(), &many, None).unwrap_err().to_string();
        assert!(error.contains("[samples]: 1001 steps"), "{error}");
        assert!(!folder.path().join(name).exists());
    }
}

#[test]
fn a_recipe_is_text_with_or_without_a_byte_order_mark() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), &format!("\u{FEFF}{AUTOENCODER}"), None).unwrap();
    let wide: Vec<u8> = AUTOENCODER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("wide.toml"), wide).unwrap();
    let error = sd_recipe::Recipe::read(&folder.path().join("wide.toml")).unwrap_err().to_string();
    assert!(error.ends_with("wide.toml: UTF-16 or binary data instead of UTF-8 text: save it as UTF-8"), "{error}");
}
