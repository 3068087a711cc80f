use crate::{Recipe, Training};

impl Recipe {
    /// Checks that a LoRA has adapters and a model to change.
    pub(crate) fn check_lora(&self) -> Result<(), String> {
        if self.train != Training::Lora {
            return Ok(());
        }
        match (&self.lora, &self.start) {
            (None, _) => Err("no table [lora]: it has the rank of the changes".into()),
            (_, None) => Err("`start` is missing: name the folder of the model that the LoRA is to change".into()),
            (Some(lora), _) => lora.check(),
        }
    }
}
