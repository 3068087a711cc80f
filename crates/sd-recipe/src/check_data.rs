use sd_scenes::Style;

use crate::Recipe;

impl Recipe {
    /// Checks that the settings of the data fit together.
    pub(crate) fn check_data(&self) -> Result<(), String> {
        let data = &self.data;
        if data.scenes.is_some() == data.folder.is_some() {
            return Err("[data] needs either `scenes`, a number of images, or `folder`, a path".into());
        }
        if data.style != Style::Paint && data.scenes.is_none() {
            return Err("`data.style` needs `data.scenes`".into());
        }
        if data.folder_repeats && data.folder.is_none() {
            return Err("`data.folder_repeats` needs `data.folder`".into());
        }
        if data.buckets && data.folder.is_none() {
            return Err("`data.buckets` needs `data.folder`: scenes are squares".into());
        }
        match (&data.masks, &data.folder) {
            (Some(_), None) => return Err("`data.masks` needs `data.folder`".into()),
            (Some(masks), Some(images)) if masks == images => {
                return Err("`data.masks` is `data.folder`: put the masks into a folder of their own".into());
            }
            _ => {}
        }
        if data.keep_tags > 0 && !data.shuffle_tags {
            return Err("`data.keep_tags` needs `data.shuffle_tags`".into());
        }
        Ok(())
    }
}
