use std::path::Path;

use burn::module::Module;
use sd_train::initialise;
use sd_weights::WeightsError;

use crate::{Recipe, RecipeError};

/// The weights that a training starts from: `W`, opened in the recipe's start folder, or random ones of its seed.
pub(super) struct Start<W> {
    weights: Option<W>,
    seed: u64,
}

impl<W> Start<W> {
    /// Opens the weights of the start folder, if the recipe has one.
    pub fn open(recipe: &Recipe, open: impl FnOnce(&Path) -> Result<W, RecipeError>) -> Result<Self, RecipeError> {
        Ok(Self { weights: recipe.start.as_deref().map(open).transpose()?, seed: recipe.seed })
    }

    /// Whether the weights are random.
    pub fn is_random(&self) -> bool {
        self.weights.is_none()
    }

    /// Returns the model with these weights; `load` fills it from those of the start folder.
    pub fn init<M: Module>(
        &self,
        model: M,
        load: impl FnOnce(&W, M) -> Result<M, WeightsError>,
    ) -> Result<M, RecipeError> {
        Ok(match &self.weights {
            Some(weights) => load(weights, model)?,
            None => initialise(model, self.seed),
        })
    }
}
