use std::io;
use std::path::{Path, PathBuf};

use sd_clip::Tokenizer;
use sd_weights::{Weights, is_file, is_folder};

use crate::ModelError;
use crate::config::Json;

/// The files of a model that is built into the program: their paths in its folder, and their contents.
pub type BuiltIn = &'static [(&'static str, &'static [u8])];

/// The folder of a model or of one of its parts, on disk or built into the program.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// The path in messages; for built-in files it need not exist.
    path: PathBuf,
    built_in: Option<BuiltIn>,
    /// Prefix of the names of this folder's built-in files.
    prefix: String,
}

/// The name of a file, without its extension, or of a folder. In the hub's cache, the folder of a commit has the name of its
/// repository.
pub(crate) fn name_of(path: &Path) -> String {
    let text = |name: Option<&std::ffi::OsStr>| name.map(|name| name.to_string_lossy().into_owned());
    let above = |levels: usize| text(path.ancestors().nth(levels).and_then(Path::file_name)).unwrap_or_default();
    match above(2).strip_prefix("models--").and_then(|repository| repository.rsplit("--").next()) {
        Some(repository) if above(1) == "snapshots" => return repository.to_string(),
        _ => {}
    }
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    text(name).unwrap_or_else(|| path.display().to_string())
}

impl Folder {
    /// A folder on disk.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf(), built_in: None, prefix: String::new() }
    }

    /// A built-in folder.
    pub fn built_in(name: &str, files: BuiltIn) -> Self {
        Self { path: name.into(), built_in: Some(files), prefix: String::new() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a subfolder.
    pub fn join(&self, name: &str) -> Self {
        Self { path: self.path.join(name), built_in: self.built_in, prefix: format!("{}{name}/", self.prefix) }
    }

    /// Whether the folder has a file of this name.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`] if the system refuses access.
    pub fn has_file(&self, name: &str) -> Result<bool, ModelError> {
        match self.built_in {
            Some(_) => Ok(self.bytes(name).is_some()),
            None => is_file(&self.path.join(name)).map_err(ModelError::io(&self.path.join(name))),
        }
    }

    /// Whether the folder has a subfolder of this name.
    ///
    /// # Errors
    ///
    /// Those of [`has_file`](Self::has_file).
    pub fn has_folder(&self, name: &str) -> Result<bool, ModelError> {
        let prefix = format!("{}{name}/", self.prefix);
        match self.built_in {
            Some(files) => Ok(files.iter().any(|(name, _)| name.starts_with(&prefix))),
            None => is_folder(&self.path.join(name)).map_err(ModelError::io(&self.path.join(name))),
        }
    }

    /// Reads the config of this name.
    pub fn json(&self, name: &str) -> Result<Json, ModelError> {
        let file = self.path.join(name);
        match self.built_in {
            Some(_) => Json::parse(&file, &String::from_utf8_lossy(&self.read(name).map_err(ModelError::io(&file))?)),
            None => Json::read(&file),
        }
    }

    /// Reads the tokenizer in this folder.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        Ok(Tokenizer::from_files(&self.path, &|name| self.read(name))?)
    }

    /// Opens the weights called `stem`.
    pub fn weights(&self, stem: &str) -> Result<Weights, ModelError> {
        let name = format!("{stem}.safetensors");
        Ok(match self.bytes(&name) {
            Some(bytes) => Weights::built_in(&self.path.join(name), bytes)?,
            None => Weights::in_folder(&self.path, stem)?,
        })
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        match self.built_in {
            Some(_) => self.bytes(name).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::NotFound.into()),
            None => std::fs::read(self.path.join(name)),
        }
    }

    fn bytes(&self, name: &str) -> Option<&'static [u8]> {
        let name = format!("{}{name}", self.prefix);
        self.built_in?.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_people_know() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("canny-v1.1")).unwrap();
        assert_eq!(name_of(&folder.path().join("canny-v1.1")), "canny-v1.1");
        assert_eq!(name_of(Path::new("a/canny-v1.1.safetensors")), "canny-v1.1");
        assert_eq!(name_of(Path::new("hub/models--owner--canny/snapshots/0123")), "canny");
    }
}
