use std::path::Path;

use burn::tensor::Device;
use sd_golden::{Kind, TinyModel};
use sd_image::Image;
use sd_pipeline::{DType, Model, Pipeline, Request, TextualInversion};

use crate::images::{image_folder, write_image};
use crate::{sheet, train, train_and_resume, train_model};

/// A recipe for a word of the model that the other two make.
const INVERSION: &str = r#"
train = "textual-inversion"
output = "OUT/word"
start = "OUT/model/model"
seed = 4
[inversion]
token = "<mine>"
initial = "a house"
vectors = 3
[data]
scenes = 6
size = 16
trigger = "<mine>"
[training]
steps = 20
batch = 4
workers = 2
rate = 1e-1
checkpoint_every = 5
[samples]
every = 10
count = 2
steps = 2
"#;

fn word(folder: &Path) -> TextualInversion {
    TextualInversion::open(&folder.join("model/learned_embeds.safetensors")).unwrap()
}

fn draw(model: &Path, word: Option<&TextualInversion>, prompt: &str) -> Image {
    let mut model = Model::open(model).unwrap();
    word.iter().for_each(|word| model.add_word(word).unwrap());
    let pipeline = Pipeline::load(model, &Device::flex(), DType::F32).unwrap();
    pipeline.draw(&Request { steps: Some(2), seed: 1, ..Request::new(prompt) }).unwrap().image
}

#[test]
fn a_word_is_trained_beside_its_model_and_resumes_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let before = crate::contents(&folder.join("model/model"));
    let [whole, stopped] = train_and_resume(folder, INVERSION, "word", 7);
    let found = word(&whole);
    assert_eq!(word(&stopped).vectors, found.vectors);
    assert_eq!((found.word.as_str(), found.vectors[0].0.len(), found.vectors[0].1), ("<mine>", 24, 8));
    assert_eq!(sheet(&stopped, 20), sheet(&whole, 20));
    assert_eq!(crate::contents(&folder.join("model/model")), before);
}

/// A rate that single precision rounds to zero stands for no step.
#[test]
fn before_its_training_a_word_draws_what_it_begins_as_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let still = "rate = 1e-300\nema_decay = 0.0";
    let text = INVERSION.replace("vectors = 3\n", "").replace("rate = 1e-1", still);
    train(folder, &text, None).unwrap();
    let (base, word) = (folder.join("model/model"), word(&folder.join("word")));
    let plain = draw(&base, None, "a house by the sea");
    assert_eq!(draw(&base, Some(&word), "<mine> by the sea"), plain);
    assert_ne!(draw(&base, Some(&word), "by the sea"), plain);
    // A trained one does not.
    train(folder, &INVERSION.replace("vectors = 3\n", "").replace("OUT/word", "OUT/other"), None).unwrap();
    assert_ne!(draw(&base, Some(&self::word(&folder.join("other"))), "<mine> by the sea"), plain);
}

/// As in diffusers' script, whose images have no captions either.
#[test]
fn models_of_both_families_learn_words_from_images_alone() {
    for (kind, templates) in [(Kind::Sd1, "\"object\""), (Kind::Sd2v, "[\"{} at sea\"]")] {
        let (folder, tiny) = (tempfile::tempdir().unwrap(), TinyModel::new(kind));
        let folder = folder.path();
        let images = image_folder(folder);
        (0..2).for_each(|i| write_image(&images.join(format!("{i}.png")), 100 * i));
        let text = INVERSION
            .replace("OUT/model/model", &tiny.path().display().to_string())
            .replace("scenes = 6\nsize = 16\ntrigger = \"<mine>\"", "folder = \"OUT/images\"\nsize = 64")
            .replace("vectors = 3", &format!("templates = {templates}"))
            .replace("steps = 20\nbatch = 4", "steps = 2\nbatch = 2")
            .replace("every = 10\ncount = 2\nsteps = 2", "count = 1\nsteps = 1");
        assert_eq!(train(folder, &text, None).unwrap(), [""; 0]);
        let word = word(&folder.join("word"));
        assert_eq!(word.vectors[0].1, 32, "{kind:?}");
        let [plain, drawn] = [None, Some(&word)].map(|word| draw(tiny.path(), word, "<mine>"));
        assert_ne!(plain, drawn, "{kind:?}");
    }
}

#[test]
fn what_is_wrong_with_a_recipe_of_a_textual_inversion_is_named() {
    const SCENES: &str = "vectors = 3\n[data]\nscenes = 6\nsize = 16\ntrigger = \"<mine>\"";
    let folder = tempfile::tempdir().unwrap();
    train_model(folder.path());
    for (from, to, expected) in [
        (
            "[inversion]\ntoken = \"<mine>\"\ninitial = \"a house\"\nvectors = 3",
            "",
            "no table [inversion]: it has the new",
        ),
        ("token = \"<mine>\"", "", "missing field `token`"),
        ("initial = \"a house\"", "", "missing field `initial`"),
        ("vectors = 3", "vector = 3", "unknown field `vector`"),
        (
            "token = \"<mine>\"",
            "token = \"my house\"",
            "`inversion.token` is \"my house\", expected a word without spaces",
        ),
        ("token = \"<mine>\"", "token = \"a\"", "`inversion.token` is \"a\", which the model knows already"),
        (
            "initial = \"a house\"",
            "initial = \"\"",
            "`inversion.initial` is \"\", expected a word that the model knows",
        ),
        ("vectors = 3", "vectors = 0", "`inversion.vectors` is 0, expected at least 1"),
        ("vectors = 3", "vectors = 1", "`inversion.vectors` is 1, but `inversion.initial`, \"a house\", has 3 tokens"),
        ("vectors = 3", "vectors = 100", "`inversion.vectors` is 100, but a caption has room for 22"),
        ("trigger = \"<mine>\"", "", "no caption has the word \"<mine>\" of `inversion.token`"),
        ("vectors = 3", "templates = \"object\"", "`data.trigger` is not used"),
        ("vectors = 3", "templates = \"things\"", "expected \"object\", \"style\" or a list of texts with {}"),
        (
            SCENES,
            "templates = [\"a {}\", \"b\"]\n[data]\nscenes = 6\nsize = 16",
            "`inversion.templates` has \"b\", expected {} in it",
        ),
        (SCENES, "templates = []\n[data]\nscenes = 6\nsize = 16", "`inversion.templates` has no texts"),
        ("start = \"OUT/model/model\"", "", "`start` is missing: name the folder of the model"),
        ("\"textual-inversion\"", "\"text-to-image\"", "[inversion] is not used in this training: remove it"),
        ("size = 16", "size = 18", "`data.size` is 18, expected a multiple of 4"),
    ] {
        assert!(INVERSION.contains(from), "{from}");
        let error = train(folder.path(), &INVERSION.replace(from, to), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(!folder.path().join("word/checkpoint/training.json").exists(), "{to}");
    }
}
