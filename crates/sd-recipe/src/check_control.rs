use sd_pipeline::Preprocessor;

use crate::{DataConfig, Recipe, Training};

impl Recipe {
    /// Checks that a ControlNet has a condition and a model to steer.
    pub(crate) fn check_control(&self) -> Result<(), String> {
        if self.train != Training::ControlNet {
            return Ok(());
        }
        let Some(control) = &self.control else {
            return Err("no table [control]: it says what steers the model".into());
        };
        if self.start.is_none() {
            return Err("`start` is missing: name the folder of the model that the ControlNet is to steer".into());
        }
        if control.condition.is_some() == control.folder.is_some() {
            return Err(
                "[control] needs either `condition`, a preprocessor such as \"canny\", or `folder`, a path".into()
            );
        }
        if let Some(condition) = control.condition.filter(Preprocessor::needs_mask) {
            return Err(format!("`control.condition` is \"{condition}\", which needs a mask: choose another one"));
        }
        match (&control.folder, &self.data) {
            (Some(_), DataConfig { folder: None, .. }) => {
                Err("`control.folder` needs `data.folder`; for scenes, name a preprocessor as `control.condition`"
                    .into())
            }
            (Some(folder), DataConfig { folder: Some(images), .. }) if folder == images => {
                Err("`control.folder` is `data.folder`: put the conditions into a folder of their own".into())
            }
            _ => Ok(()),
        }
    }
}
