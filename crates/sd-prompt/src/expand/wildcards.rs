use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{ExpandError, Template};
use crate::names::known;

/// Text files whose lines are the values of wildcards.
///
/// The file `animals/birds.txt` is the wildcard `__animals/birds__`. Each line is an entry, and a template itself; white space
/// around it, empty lines, lines that start with `#`, and repeated ones are left out. The text is UTF-8, perhaps with a byte
/// order mark.
#[derive(Debug)]
pub struct Wildcards {
    /// None if there is no folder.
    folder: Option<PathBuf>,
    /// By name, so that the order does not depend on the file system.
    files: BTreeMap<String, File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Read when they are needed.
    entries: OnceLock<Vec<Template>>,
}

impl Wildcards {
    /// Without a folder, every wildcard is an error.
    pub fn none() -> Self {
        Self { folder: None, files: BTreeMap::new() }
    }

    /// Finds the `.txt` files in a folder and its subfolders, hidden ones excepted. They are read when a template needs them.
    ///
    /// # Errors
    ///
    /// Fails if a folder cannot be listed.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Result<Self, ExpandError> {
        let folder = folder.into();
        let mut files = BTreeMap::new();
        find_files(&folder, "", &mut Vec::new(), &mut files)?;
        Ok(Self { folder: Some(folder), files })
    }

    /// Returns the names of all wildcards, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The entries of all files that a name stands for. An unknown name may be that of a file in any folder.
    ///
    /// `within` is the wildcard that asks for it.
    pub(super) fn entries(&self, wanted: &str, within: Option<&str>) -> Result<Vec<&Template>, ExpandError> {
        let name = clean(wanted);
        if name.split('/').any(|part| part == "..") {
            return Err(ExpandError::Outside { name: wanted.into() });
        }
        let within = within.map(String::from);
        let Some(folder) = &self.folder else {
            return Err(ExpandError::NoFolder { name: wanted.into(), within });
        };
        let mut files = self.matching(&name);
        if files.is_empty() {
            files = self.matching(&format!("*/{name}"));
        }
        if files.is_empty() {
            let known = known(self.names(), &name);
            return Err(ExpandError::Unknown { name: wanted.into(), within, folder: folder.clone(), known });
        }
        let (mut entries, mut texts) = (Vec::new(), HashSet::new());
        for file in files {
            entries.extend(file.entries()?.iter().filter(|entry| texts.insert(entry.text.as_str())));
        }
        if entries.is_empty() {
            return Err(ExpandError::Empty { name: wanted.into() });
        }
        Ok(entries)
    }

    fn matching(&self, pattern: &str) -> Vec<&File> {
        self.files.iter().filter(|(name, _)| matches(name, pattern)).map(|(_, file)| file).collect()
    }
}

impl File {
    fn entries(&self) -> Result<&[Template], ExpandError> {
        if let Some(entries) = self.entries.get() {
            return Ok(entries);
        }
        let bytes = fs::read(&self.path).map_err(io_error(&self.path))?;
        let text = String::from_utf8(bytes).map_err(|_| ExpandError::Text { file: self.path.clone() })?;
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Template::parse);
        Ok(self.entries.get_or_init(|| entries.collect()))
    }
}

/// Finds the files of a folder, whose name begins with `prefix`. `above` are the folders that it is in: a link may lead back.
fn find_files(
    folder: &Path,
    prefix: &str,
    above: &mut Vec<PathBuf>,
    files: &mut BTreeMap<String, File>,
) -> Result<(), ExpandError> {
    let real = folder.canonicalize().map_err(io_error(folder))?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let name = name(path.file_name());
            if !name.starts_with('.') {
                find_files(&path, &format!("{prefix}{name}/"), above, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            let name = format!("{prefix}{}", name(path.file_stem()));
            files.insert(name, File { path, entries: OnceLock::new() });
        }
    }
    above.pop();
    Ok(())
}

fn io_error(file: &Path) -> impl Fn(std::io::Error) -> ExpandError + '_ {
    |source| ExpandError::Io { file: file.into(), source }
}

/// A name with single `/` between its parts, whatever separated them.
fn clean(name: &str) -> String {
    name.split(['/', '\\']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Whether a name fits a pattern, in which `*` stands for any characters, `/` included.
fn matches(name: &str, pattern: &str) -> bool {
    let Some((start, pattern)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let (middle, end) = pattern.rsplit_once('*').unwrap_or(("", pattern));
    // The first place that fits leaves the most for the rest.
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("ab", "ab", true),
            ("ab", "a", false),
            ("ab", "a*", true),
            ("ab", "*", true),
            ("", "**", true),
            ("a/b/c", "a/*", true),
            ("a/b/c", "a/**", true),
            ("a/b/c", "*/b/*", true),
            ("a/b/c", "*c*b*", false),
            ("aba", "ab*ba", false),
            ("abba", "ab*ba", true),
            ("a-x-b-x-c", "a*x*x*c", true),
            ("a-x-c", "a*x*x*c", false),
            ("häuser", "h*user", true),
        ];
        for (name, pattern, fits) in cases {
            assert_eq!(matches(name, pattern), fits, "{name} {pattern}");
        }
    }

    #[test]
    fn separators_of_folders_are_those_of_any_system() {
        for name in ["a/b", "a\\b", "/a//b/", "\\a/b"] {
            assert_eq!(clean(name), "a/b");
        }
    }
}
