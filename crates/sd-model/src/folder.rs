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
