//! Files of jobs.

mod csv;
mod jsonl;
mod line;
mod seeds;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use sd_engine::{EngineError, Entry, Job, Kind, Library};

use self::line::{Fields, Line};
use self::seeds::Seeds;
use crate::{BatchError, Item};

/// The jobs of a file, in its order.
#[derive(Debug)]
pub struct Manifest {
    file: PathBuf,
    lines: Vec<Line>,
}

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestKind {
    /// A JSON object in each line.
    Jsonl,
    /// A table with a header.
    Csv,
}

/// Whose models draw the jobs.
#[derive(Debug, Clone, Copy)]
pub enum Models<'a> {
    /// Those of this library, which must have all that are named.
    Own(&'a Library),
    /// Those of workers. Names that this library knows become hashes; the others stay, and a worker looks them up.
    OfWorkers(&'a Library),
}

impl Manifest {
    /// Reads a manifest: CSV if its name ends in `.csv`, else JSON lines.
    ///
    /// A line has fields of [`Job`] and of its request, side by side, and may have a `name`. A line without a seed gets one from what it
    /// asks for, and from the number of equal lines above it; so it is the same on every machine.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, has no jobs, or has a line that is no job.
    pub fn read(file: &Path) -> Result<Self, BatchError> {
        let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let bytes = fs::read(file).map_err(|source| BatchError::Io { file: file.into(), source })?;
        Self::parse(file, &bytes, if is_csv { ManifestKind::Csv } else { ManifestKind::Jsonl })
    }

    /// Parses a manifest. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse(file: &Path, bytes: &[u8], kind: ManifestKind) -> Result<Self, BatchError> {
        let wrong = |reason: &str| BatchError::Manifest { file: file.into(), reason: reason.into() };
        let text = str::from_utf8(bytes).map_err(|_| wrong("the text is not UTF-8: save it as UTF-8"))?;
        let text = text.trim_start_matches('\u{feff}');
        let fields = match kind {
            ManifestKind::Jsonl => jsonl::fields(text),
            ManifestKind::Csv => csv::fields(text),
        };
        let mut seeds = Seeds::default();
        let in_line = |(number, fields): (usize, Result<Fields, String>)| {
            let line = fields.and_then(|fields| Line::new(number, fields, &mut seeds));
            line.map_err(|reason| BatchError::Line { file: file.into(), line: number, reason })
        };
        let lines = fields.into_iter().map(in_line).collect::<Result<Vec<_>, _>>()?;
        if lines.is_empty() {
            return Err(wrong("it has no jobs: expected one in each line, such as {\"prompt\": \"a red house\"}"));
        }
        Ok(Self { file: file.into(), lines })
    }

    /// Returns the images of all jobs: `count` of each, every one once.
    ///
    /// # Errors
    ///
    /// Fails if a model is unknown, or cannot be read for its hash.
    pub fn items(&self, models: Models) -> Result<Vec<Item>, BatchError> {
        let mut known = HashMap::new();
        let mut items = Vec::new();
        for Line { number, label, job } in &self.lines {
            let model = match known.get(&job.model) {
                Some(model) => model,
                None => {
                    let wrong =
                        |error| BatchError::Model { file: self.file.clone(), line: *number, source: Box::new(error) };
                    let found = models.identify(job.model.as_deref()).map_err(wrong)?;
                    known.entry(job.model.clone()).or_insert(found)
                }
            };
            let job = Job { model: model.clone(), ..job.clone() };
            items.extend((0..job.count).map(|index| Item::new(job.single(index), label.clone())));
        }
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert((item.id().to_string(), item.label.clone())));
        Ok(items)
    }
}

impl Models<'_> {
    /// The hash of a model, or of the default one.
    fn identify(self, name: Option<&str>) -> Result<Option<String>, EngineError> {
        let (Self::Own(library) | Self::OfWorkers(library)) = self;
        let find = || -> Result<Option<Entry>, EngineError> {
            match name {
                Some(name) => library.find(Kind::Model, name).map(Some),
                None => Ok(library.default_model()),
            }
        };
        match (find(), self) {
            (Ok(Some(entry)), _) => library.hash(&entry).map(Some),
            (Ok(None), Self::Own(_)) => Err(EngineError::NoModel),
            (Err(error), Self::Own(_)) => Err(error),
            (Ok(None) | Err(_), Self::OfWorkers(_)) => Ok(name.map(Into::into)),
        }
    }
}
