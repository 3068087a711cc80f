use std::fmt;

use sd_pipeline::{BuiltIn, Choices, ControlFile, Defaults, Model, ModelError};
use sha2::{Digest, Sha256};

use crate::hex;

/// A model inside the program.
#[derive(Clone, Copy)]
pub struct BuiltInModel {
    /// Its name in jobs.
    pub name: &'static str,
    /// Its folder.
    pub files: BuiltIn,
    /// Its defaults for requests.
    pub defaults: Defaults,
    /// The name and the files of a control network of its own.
    pub control: Option<(&'static str, BuiltIn)>,
}

impl BuiltInModel {
    /// Opens the model.
    ///
    /// # Errors
    ///
    /// As [`Model::built_in`].
    pub fn open(&self, choices: &Choices) -> Result<Model, ModelError> {
        Ok(Model::built_in("the built-in model", self.files, choices)?.with_defaults(self.defaults))
    }

    /// Opens its control network, if this is the name.
    pub(crate) fn open_control(&self, name: &str) -> Option<Result<ControlFile, ModelError>> {
        let (_, files) = self.control.filter(|(own, _)| *own == name)?;
        Some(ControlFile::built_in(name, files))
    }

    /// The SHA-256 of its files.
    pub(crate) fn hash(&self) -> String {
        hash(self.files)
    }

    /// The SHA-256 of its control network's files.
    pub(crate) fn control_hash(&self) -> String {
        self.control.map(|(_, files)| hash(files)).unwrap_or_default()
    }
}

fn hash(files: BuiltIn) -> String {
    let mut all = Sha256::new();
    files.iter().for_each(|(_, bytes)| all.update(bytes));
    hex(&all.finalize())
}

impl fmt::Debug for BuiltInModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltInModel").field("name", &self.name).finish_non_exhaustive()
    }
}
