use std::fs;
use std::path::Path;

use sd_files::make_folder_atomically;
use sd_recipe::Recipe;

use crate::builtin;
use crate::failure::Failure;

/// Returns the recipe with a folder as its `start`, where that is the name of the built-in model: its files are written into the
/// folder `output`. A folder of that name is preferred.
pub fn with_start_folder(recipe: Recipe, output: &Path) -> Result<Recipe, Failure> {
    let named = |name: &str| recipe.start.as_deref() == Some(Path::new(name)) && !Path::new(name).exists();
    let Some(model) = builtin::model().filter(|model| named(model.name)) else { return Ok(recipe) };
    let folder = output.join(model.name);
    if !folder.exists() {
        let io = |error| Failure::new(format!("{}: {error}", folder.display()));
        fs::create_dir_all(output).map_err(io)?;
        make_folder_atomically(&folder, io, |partial| {
            model.files.iter().try_for_each(|(name, bytes)| {
                let file = partial.join(name);
                fs::create_dir_all(file.parent().unwrap_or(partial)).map_err(io)?;
                fs::write(&file, bytes).map_err(io)
            })
        })?;
    }
    Ok(Recipe { start: Some(folder), ..recipe })
}
