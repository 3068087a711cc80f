//! The files that jobs name.

mod builtin;
mod hashes;
mod kind;
mod scan;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use self::builtin::BuiltInModel;
use self::hashes::Hashes;
pub use self::kind::Kind;
use self::scan::scan;
use crate::EngineError;

/// Models and other files by name.
#[derive(Debug)]
pub struct Library {
    folders: LibraryFolders,
    hashes: Hashes,
    builtin_hash: OnceLock<String>,
}

/// Where the files of a library are.
#[derive(Debug, Default, Clone)]
pub struct LibraryFolders {
    /// Models: folders in the diffusers layout, and single files.
    pub models: Option<PathBuf>,
    /// LoRAs.
    pub loras: Option<PathBuf>,
    /// Textual inversions.
    pub embeddings: Option<PathBuf>,
    /// Autoencoders.
    pub vaes: Option<PathBuf>,
    /// Networks that enlarge images.
    pub upscalers: Option<PathBuf>,
    /// Control networks and IP-Adapters.
    pub controls: Option<PathBuf>,
    /// The model of jobs that name none; none is the built-in one.
    pub default_model: Option<PathBuf>,
    /// The built-in model.
    pub builtin: Option<BuiltInModel>,
    /// Whether jobs may name files by their paths: only for jobs of the user's own.
    pub paths: bool,
    /// A file that keeps the hashes of large files; none computes them again in each process.
    pub hashes: Option<PathBuf>,
}

/// A file, or a folder, that jobs can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its name: that of the file, without its extension.
    pub name: String,
    /// Its path; none is the built-in model.
    pub path: Option<PathBuf>,
}

impl Library {
    /// Makes a library of folders.
    ///
    /// # Errors
    ///
    /// [`EngineError::Folder`].
    pub fn new(folders: LibraryFolders) -> Result<Self, EngineError> {
        let library = Self { hashes: Hashes::read(folders.hashes.clone()), builtin_hash: OnceLock::new(), folders };
        Kind::ALL.into_iter().try_for_each(|kind| library.list(kind).map(drop))?;
        Ok(library)
    }

    /// Lists what there is now, by name. Of two files with one name, the first path in alphabetical order counts.
    ///
    /// # Errors
    ///
    /// [`EngineError::Folder`].
    pub fn list(&self, kind: Kind) -> Result<Vec<Entry>, EngineError> {
        let mut entries = match self.folder(kind) {
            Some(folder) => {
                scan(kind, folder).map_err(|source| EngineError::Folder { kind, folder: folder.into(), source })?
            }
            None => Vec::new(),
        };
        let own = match kind {
            Kind::Model => self.default_model(),
            Kind::Control => self.builtin_control(),
            _ => None,
        };
        if let Some(own) = own {
            entries.retain(|entry| entry.name != own.name);
            entries.insert(0, own);
        }
        Ok(entries)
    }

    /// Finds what a job names: by its name, its file's name, AUTOMATIC1111's title (`name.safetensors [hash]`), or at least 8 digits
    /// of its hash.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] and [`EngineError::NoFolder`], and [`EngineError::Folder`].
    pub fn find(&self, kind: Kind, name: &str) -> Result<Entry, EngineError> {
        let entries = self.list(kind)?;
        let (plain, hash) = title(name);
        let named = |entry: &&Entry| is_named(entry, plain);
        let exact = entries.iter().find(|entry| entry.name == plain);
        if let Some(entry) = exact.or_else(|| entries.iter().find(named)) {
            return Ok(entry.clone());
        }
        for digits in [Some(plain), hash].into_iter().flatten().filter(|digits| is_hash(digits)) {
            for entry in &entries {
                if self.hash(entry)?.starts_with(&digits.to_lowercase()) {
                    return Ok(entry.clone());
                }
            }
        }
        let there = entries.into_iter().map(|entry| entry.name).collect();
        Err(match self.folder(kind) {
            Some(folder) => EngineError::Unknown { kind, name: name.into(), folder: folder.into(), there },
            None => EngineError::NoFolder { kind, name: name.into() },
        })
    }

    /// The model of a job, or the default.
    pub(crate) fn model(&self, name: Option<&str>) -> Result<Entry, EngineError> {
        match name {
            Some(name) => self.locate(Kind::Model, name),
            None => self.default_model().ok_or(EngineError::NoModel),
        }
    }

    /// Finds what a job names outside its texts: a path, if those are allowed, else as [`find`](Self::find).
    pub(crate) fn locate(&self, kind: Kind, name: &str) -> Result<Entry, EngineError> {
        let (path, is_builtin) = (Path::new(name), self.builtin().is_some_and(|builtin| builtin.name == name));
        if self.folders.paths && (!is_builtin || path.exists()) {
            return Ok(Entry::at(kind, path));
        }
        self.find(kind, name)
    }

    /// The SHA-256 of a file in hexadecimal; of a folder, that of its weights. Files of gigabytes take seconds, once.
    ///
    /// # Errors
    ///
    /// [`EngineError::Io`].
    pub fn hash(&self, entry: &Entry) -> Result<String, EngineError> {
        match (&entry.path, self.builtin()) {
            (Some(path), _) => self.hashes.file_or_folder(path),
            (None, Some(builtin)) if entry.kind == Kind::Control => Ok(builtin.control_hash()),
            (None, Some(builtin)) => Ok(self.builtin_hash.get_or_init(|| builtin.hash()).clone()),
            (None, None) => Err(EngineError::NoModel),
        }
    }

    /// The same, if no file has to be read for it: those of models that were drawn with are known.
    pub fn known_hash(&self, entry: &Entry) -> Option<String> {
        match &entry.path {
            Some(path) => self.hashes.known_file_or_folder(path),
            None => self.hash(entry).ok(),
        }
    }

    /// The hash that AUTOMATIC1111 and CivitAI have for a LoRA: the SHA-256 of a safetensors file after its header, or of another file
    /// as a whole.
    ///
    /// # Errors
    ///
    /// [`EngineError::Io`].
    pub fn lora_hash(&self, path: &Path) -> Result<String, EngineError> {
        self.hashes.after_header(path)
    }

    /// The built-in model.
    pub fn builtin(&self) -> Option<&BuiltInModel> {
        self.folders.builtin.as_ref()
    }

    /// Whether jobs may name things of this kind.
    pub fn has_folder(&self, kind: Kind) -> bool {
        self.folder(kind).is_some()
    }

    /// The model of jobs that name none.
    pub fn default_model(&self) -> Option<Entry> {
        let at = self.folders.default_model.as_deref().map(|path| Entry::at(Kind::Model, path));
        let builtin = || Some(Entry { kind: Kind::Model, name: self.builtin()?.name.into(), path: None });
        at.or_else(builtin)
    }

    /// The control network that belongs to the built-in model.
    pub(crate) fn builtin_control(&self) -> Option<Entry> {
        let (name, _) = self.builtin()?.control?;
        Some(Entry { kind: Kind::Control, name: name.into(), path: None })
    }

    fn folder(&self, kind: Kind) -> Option<&Path> {
        let LibraryFolders { models, loras, embeddings, vaes, upscalers, controls, .. } = &self.folders;
        match kind {
            Kind::Model => models,
            Kind::Lora => loras,
            Kind::Embedding => embeddings,
            Kind::Vae => vaes,
            Kind::Upscaler => upscalers,
            Kind::Control => controls,
        }
        .as_deref()
    }
}

impl Entry {
    /// What is at a path.
    pub(crate) fn at(kind: Kind, path: &Path) -> Self {
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let name = || stem.map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned());
        let name = name_on_the_hub(path).unwrap_or_else(name);
        Self { kind, name, path: Some(path.into()) }
    }

    /// The name of its file or folder.
    pub fn file_name(&self) -> String {
        let of_path = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.path.as_ref().and_then(of_path).unwrap_or_else(|| self.name.clone())
    }
}

/// The name, `owner/model`, of a model in the cache of the Hugging Face hub: `models--owner--model/snapshots/COMMIT`.
fn name_on_the_hub(path: &Path) -> Option<String> {
    let snapshots = path.parent().filter(|parent| parent.ends_with("snapshots"))?;
    let repository = snapshots.parent()?.file_name()?.to_str()?.strip_prefix("models--")?;
    Some(repository.replacen("--", "/", 1))
}

/// The name and the hash of AUTOMATIC1111's title, `name.safetensors [1234567890]`.
fn title(text: &str) -> (&str, Option<&str>) {
    let parts = text.strip_suffix(']').and_then(|text| text.rsplit_once(" ["));
    parts.map_or((text, None), |(name, hash)| (name, Some(hash)))
}

fn is_named(entry: &Entry, name: &str) -> bool {
    entry.name.eq_ignore_ascii_case(name) || entry.file_name().eq_ignore_ascii_case(name)
}

fn is_hash(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn library(files: &[&str]) -> (tempfile::TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let models = Some(folder.path().to_path_buf());
        let folders = LibraryFolders { loras: models.clone(), models, ..LibraryFolders::default() };
        (folder, Library::new(folders).unwrap())
    }

    #[test]
    fn files_are_found_by_name_title_and_hash() {
        let (_folder, library) = library(&["Ink.safetensors", "more/chalk.pt", "more/notes.txt"]);
        let names: Vec<String> = library.list(Kind::Lora).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["Ink", "chalk"]);
        let ink = library.find(Kind::Lora, "ink").unwrap();
        let hash = library.hash(&ink).unwrap();
        let digits = &hash[..10];
        for name in [
            "Ink",
            "ink.safetensors",
            &hash,
            digits,
            &format!("ink.safetensors [{digits}]"),
            &format!("old [{digits}]"),
        ] {
            assert_eq!(library.find(Kind::Lora, name).unwrap(), ink, "{name}");
        }
        let message = library.find(Kind::Lora, "notes").unwrap_err().to_string();
        assert!(message.contains("\"notes\"") && message.ends_with("it has Ink, chalk"), "{message}");
        let message = library.find(Kind::Vae, "x").unwrap_err().to_string();
        assert!(message.contains("give its folder with `vae_dir`"), "{message}");
    }

    #[test]
    fn a_folder_of_a_model_is_one_entry() {
        let files = ["sd15/model_index.json", "sd15/unet/diffusion_pytorch_model.safetensors", "b/one.safetensors"];
        let (_folder, library) = library(&files);
        let names: Vec<String> = library.list(Kind::Model).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["one", "sd15"]);
        assert_eq!(library.hash(&library.find(Kind::Model, "sd15").unwrap()).unwrap().len(), 64);
    }

    #[test]
    fn names_are_no_paths() {
        let (folder, library) = library(&["a.safetensors"]);
        for name in ["../a.safetensors", "/etc/passwd", folder.path().join("a.safetensors").to_str().unwrap(), ".", ""]
        {
            assert!(library.find(Kind::Model, name).is_err(), "{name}");
            assert!(library.model(Some(name)).is_err(), "{name}");
        }
    }
}
