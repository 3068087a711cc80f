use toml::{Table, Value};

use crate::Recipe;
use crate::Training::{self, Autoencoder, ControlNet, Distillation, Lora, Pixels, TextToImage, TextualInversion};

/// The trainings that share the task of latents with captions.
const OF_LATENTS: &[Training] = &[TextToImage, ControlNet, Lora, TextualInversion];

/// Keys and tables that not every training uses, with those that do; the tables of networks are not among them.
const USED: [(&str, &[Training]); 20] = [
    ("control", &[ControlNet]),
    ("distillation", &[Distillation]),
    ("lora", &[Lora]),
    ("inversion", &[TextualInversion]),
    ("prior", &[TextToImage, Lora]),
    ("autoencoder", &[Autoencoder]),
    ("diffusion", &[TextToImage, ControlNet, Lora, TextualInversion, Pixels]),
    ("diffusion.autoencoder", &[TextToImage]),
    ("diffusion.caption_dropout", OF_LATENTS),
    ("diffusion.freeze_text_encoder", &[TextToImage]),
    ("diffusion.learned_variance", &[TextToImage, Pixels]),
    ("diffusion.self_conditioning", &[TextToImage, Pixels]),
    ("data.trigger", &[TextToImage, ControlNet, Lora, TextualInversion, Distillation]),
    ("data.shuffle_tags", OF_LATENTS),
    ("data.keep_tags", OF_LATENTS),
    ("data.folder_repeats", OF_LATENTS),
    ("data.buckets", &[TextToImage, Lora, TextualInversion]),
    ("data.masks", OF_LATENTS),
    ("samples.steps", &[TextToImage, ControlNet, Lora, TextualInversion, Distillation, Pixels]),
    ("samples.guidance", &[TextToImage, ControlNet, Lora, TextualInversion, Distillation]),
];

/// Keys that are for the captions of images.
const OF_CAPTIONS: [&str; 3] = ["data.trigger", "data.shuffle_tags", "data.keep_tags"];

impl Recipe {
    /// Checks that the training uses every key of the recipe's file, even one that is set to its default.
    ///
    /// # Errors
    ///
    /// The key that is not used.
    pub(crate) fn check_used_keys(&self, file: &Table) -> Result<(), String> {
        let of_others = USED.iter().filter(|(_, trainings)| !trainings.contains(&self.train)).map(|(key, _)| *key);
        let of_captions = OF_CAPTIONS.into_iter().filter(|_| !self.reads_captions());
        match of_others.chain(of_captions).find(|key| is_set(file, key)) {
            Some(key) if key.contains('.') => Err(format!("`{key}` is not used in this training: remove it")),
            Some(table) => Err(format!("[{table}] is not used in this training: remove it")),
            None => Ok(()),
        }
    }
}

/// Whether a file has a table, or a key of a table as `table.key`.
fn is_set(file: &Table, key: &str) -> bool {
    match key.split_once('.') {
        Some((table, key)) => file.get(table).and_then(Value::as_table).is_some_and(|table| table.contains_key(key)),
        None => file.contains_key(key),
    }
}
