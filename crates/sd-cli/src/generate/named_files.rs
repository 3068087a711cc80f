//! Files that prompts name: LoRAs and textual inversions of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The files of a folder and of the folders in it, by name without extension.
#[derive(Debug, Default)]
pub struct NamedFiles {
    /// The flag that names the folder.
    flag: &'static str,
    folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

/// The formats of weights.
const EXTENSIONS: [&str; 5] = ["safetensors", "pt", "bin", "ckpt", "pti"];

impl NamedFiles {
    /// Lists a folder. Of two files with one name, the first path in alphabetical order counts.
    pub fn list(flag: &'static str, folder: &Path) -> Result<Self, Failure> {
        let mut named = Self { flag, folder: folder.to_owned(), files: BTreeMap::new() };
        named.add(folder).map_err(|error| {
            Failure::usage(format!(
                "{flag} {}: expected a folder; found {error}: name a folder of files",
                folder.display()
            ))
        })?;
        Ok(named)
    }

    fn add(&mut self, folder: &Path) -> std::io::Result<()> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        paths.sort();
        for path in paths {
            let has = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
            let (stem, extension) = (has(path.file_stem()), has(path.extension()));
            if path.is_dir() {
                // One that cannot be read has no files for us.
                let _ = self.add(&path);
            } else if let (Some(stem), Some(extension)) = (stem, extension)
                && EXTENSIONS.contains(&extension.to_lowercase().as_str())
            {
                self.files.entry(stem).or_insert(path);
            }
        }
        Ok(())
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The file of a name.
    ///
    /// # Errors
    ///
    /// A message that lists the names there are.
    pub fn find(&self, what: &str, name: &str) -> Result<&Path, Failure> {
        let is_same = |known: &&String| known.eq_ignore_ascii_case(name);
        let found = self.files.get(name).or_else(|| self.files.get(self.files.keys().find(is_same)?));
        found.map(PathBuf::as_path).ok_or_else(|| {
            let names: Vec<&str> = self.names().take(SHOWN).collect();
            let more = if self.files.len() > SHOWN { ", …" } else { "" };
            let there = match names.is_empty() {
                true => "it has none".into(),
                false => format!("it has {}{more}", names.join(", ")),
            };
            Failure::usage(format!(
                "the prompt names the {what} {name:?}, which is not in {} {}: {there}",
                self.flag,
                self.folder.display()
            ))
        })
    }
}

/// How many names a message lists.
const SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_also_in_folders_and_with_other_capitals() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("more")).unwrap();
        for file in ["Ink.safetensors", "more/chalk.pt", "more/notes.txt"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let files = NamedFiles::list("--lora-dir", folder.path()).unwrap();
        assert_eq!(files.names().collect::<Vec<_>>(), ["Ink", "chalk"]);
        assert!(files.find("LoRA", "ink").unwrap().ends_with("Ink.safetensors"));
        let message = files.find("LoRA", "notes").unwrap_err().to_string();
        assert!(message.contains("\"notes\"") && message.ends_with("it has Ink, chalk"), "{message}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let message = NamedFiles::list("--lora-dir", Path::new("nowhere")).unwrap_err().to_string();
        assert!(message.starts_with("--lora-dir nowhere: expected a folder"), "{message}");
    }
}
