use std::io;
use std::path::{Path, PathBuf};

use sd_clip::Tokenizer;
use sd_weights::{Weights, is_file, is_folder};

use crate::ModelError;
use crate::config::Json;

/// The files of a model that is part of the program: their names in its folder, and what is in them.
pub type BuiltIn = &'static [(&'static str, &'static [u8])];

/// The folder of a model or of one of its parts, on disk or in the program.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// What messages name; it need not exist for files of the program.
    path: PathBuf,
    built_in: Option<BuiltIn>,
    /// What the names of this folder's files in the program begin with.
    prefix: String,
}

impl Folder {
    /// A folder on disk.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf(), built_in: None, prefix: String::new() }
    }

    /// A folder of the program.
    pub fn built_in(name: &str, files: BuiltIn) -> Self {
        Self { path: name.into(), built_in: Some(files), prefix: String::new() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it.
    pub fn join(&self, name: &str) -> Self {
        Self { path: self.path.join(name), built_in: self.built_in, prefix: format!("{}{name}/", self.prefix) }
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`] where the system does not let one see.
    pub fn has_file(&self, name: &str) -> Result<bool, ModelError> {
        match self.built_in {
            Some(_) => Ok(self.bytes(name).is_some()),
            None => is_file(&self.path.join(name)).map_err(ModelError::io(&self.path.join(name))),
        }
    }

    /// Whether there is a folder of this name in it.
    ///
    /// # Errors
    ///
    /// As [`has_file`](Self::has_file).
    pub fn has_folder(&self, name: &str) -> Result<bool, ModelError> {
        let prefix = format!("{}{name}/", self.prefix);
        match self.built_in {
            Some(files) => Ok(files.iter().any(|(name, _)| name.starts_with(&prefix))),
            None => is_folder(&self.path.join(name)).map_err(ModelError::io(&self.path.join(name))),
        }
    }

    /// The config of this name.
    pub fn json(&self, name: &str) -> Result<Json, ModelError> {
        let file = self.path.join(name);
        match self.built_in {
            Some(_) => Json::parse(&file, &String::from_utf8_lossy(&self.read(name).map_err(ModelError::io(&file))?)),
            None => Json::read(&file),
        }
    }

    /// The tokenizer that this folder is.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        Ok(Tokenizer::from_files(&self.path, &|name| self.read(name))?)
    }

    /// The weights called `stem`.
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
