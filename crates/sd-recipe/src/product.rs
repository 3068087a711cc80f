use std::path::Path;

use sd_pipeline::Image;

use crate::{RecipeError, Watch};

/// The outputs of a training: a model folder and a sheet of samples.
pub(crate) trait Product<M> {
    /// Writes the model, whose parameters are averages, to a folder in the diffusers layout.
    fn save(&self, model: &M, folder: &Path, watch: &mut Watch) -> Result<(), RecipeError>;

    /// Draws images that show the progress, from the folder that was just saved.
    fn samples(&self, model: &M, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError>;
}
