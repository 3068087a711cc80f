use sd_scenes::Style;

use crate::{Recipe, Training};

impl Recipe {
    /// Checks that a LoRA, and no other training, has adapters and a model to change.
    pub(crate) fn check_lora(&self) -> Result<(), String> {
        match (&self.lora, self.train, &self.start) {
            (Some(_), train, _) if train != Training::Lora => {
                Err("[lora] is not used in this training: remove it".into())
            }
            (None, Training::Lora, _) => Err("no table [lora]: it has the rank of the changes".into()),
            (Some(_), _, None) => {
                Err("`start` is missing: name the folder of the model that the LoRA is to change".into())
            }
            (Some(lora), ..) => lora.check(),
            (None, ..) => Ok(()),
        }
    }

    /// Checks that all settings of the data are used.
    pub(crate) fn check_data(&self) -> Result<(), String> {
        let data = &self.data;
        let is_for_captions = [
            ("data.trigger", data.trigger.is_some()),
            ("data.shuffle_tags", data.shuffle_tags),
            ("data.folder_repeats", data.folder_repeats),
        ];
        match is_for_captions.into_iter().find(|(_, is_set)| *is_set && !self.reads_captions()) {
            Some((key, _)) => Err(format!("`{key}` is not used in a training without captions: remove it")),
            None if data.style != Style::Paint && data.scenes.is_none() => {
                Err("`data.style` needs `data.scenes`".into())
            }
            None if data.folder_repeats && data.folder.is_none() => {
                Err("`data.folder_repeats` needs `data.folder`".into())
            }
            None if data.keep_tags > 0 && !data.shuffle_tags => {
                Err("`data.keep_tags` needs `data.shuffle_tags`".into())
            }
            None => Ok(()),
        }
    }
}
