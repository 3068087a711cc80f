//! `sd batch`: all images of a manifest.

mod local;
mod progress;
#[cfg(feature = "nats")]
mod remote;

use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use sd_batch::{Failed, Item, Manifest, ManifestKind, Models, Shard, contact_sheet, write_failed};
use sd_image::Format;

use self::progress::BatchProgress;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::library_flags::LibraryFlags;
#[cfg(feature = "nats")]
use crate::nats_flags::NatsFlags;
use crate::outputs::{check_file, check_image};
use crate::reporter::ProgressKind;

/// Draw all images of a manifest, and skip those that are there
///
/// Each line is a JSON object such as {"prompt": "a red house", "steps": 20, "count": 4}; in a table, a row below a header with the same names.
#[derive(clap::Args)]
pub struct Args {
    /// Manifest: JSON lines, or a table if its name ends in .csv; - reads JSON lines from standard input
    #[cfg_attr(not(feature = "nats"), arg(value_name = "JOBS"))]
    #[cfg_attr(feature = "nats", arg(value_name = "JOBS", required_unless_present = "watch"))]
    jobs: Option<PathBuf>,
    /// Folder of the images; it is made if it is missing
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Draw only a part of the images, such as 2/8: every image is in one of the parts
    #[arg(long, value_name = "PART/PARTS")]
    shard: Option<Shard>,
    /// Format of the images: png, jpg or webp
    #[arg(long, value_name = "FORMAT", default_value = "png", value_parser = format)]
    format: Format,
    /// Stop at the first image that fails
    #[arg(long)]
    stop_on_error: bool,
    /// At the end, put all images on one sheet, scaled down
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
    #[cfg(feature = "nats")]
    #[command(flatten)]
    nats: NatsFlags,
    /// With --nats: show what becomes of the jobs, or of the whole queue without JOBS, and fetch images to --output
    #[cfg(feature = "nats")]
    #[arg(long, requires = "nats")]
    watch: bool,
    #[command(flatten)]
    library: LibraryFlags,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if let Some(sheet) = &args.sheet {
        let to = check_file("--sheet", sheet)?;
        check_image("--sheet", sheet, &to)?;
    }
    #[cfg(feature = "nats")]
    if let Some(server) = args.nats.server() {
        return remote::run(args, &server);
    }
    local::run(args)
}

impl Args {
    /// The images of the manifest that belong to this part.
    fn items(&self, models: Models) -> Result<Vec<Item>, Failure> {
        let jobs = self.jobs.as_deref().ok_or_else(|| Failure::usage("JOBS is missing: name a manifest".into()))?;
        let manifest = if jobs == Path::new("-") {
            let mut bytes = Vec::new();
            let read = stdin().lock().read_to_end(&mut bytes);
            read.map_err(|error| Failure::new(format!("standard input: {error}")))?;
            Manifest::parse(Path::new("standard input"), &bytes, ManifestKind::Jsonl)?
        } else {
            Manifest::read(jobs)?
        };
        let mut items = manifest.items(models)?;
        items.retain(|item| self.shard.is_none_or(|shard| shard.has(item)));
        Ok(items)
    }

    /// The folder of the images, which is made if it is missing.
    fn folder(&self) -> Result<Option<&Path>, Failure> {
        let Some(folder) = self.output.as_deref() else { return Ok(None) };
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("--output {}: {error}: name a folder", folder.display())))?;
        Ok(Some(folder))
    }

    /// Writes the list of failures, and the sheet; says how it went.
    fn end(
        &self,
        items: &[Item],
        failed: &[Failed],
        folder: Option<&Path>,
        is_stopped: bool,
        progress: &mut BatchProgress,
    ) -> Result<(), Failure> {
        let list = folder.map(|folder| folder.join(self.list_name()));
        if let Some(list) = &list {
            write_failed(list, failed)?;
        }
        if let (Some(sheet), Some(folder)) = (&self.sheet, folder) {
            let files: Vec<PathBuf> = items.iter().map(|item| item.path(folder, self.format)).collect();
            let files: Vec<&Path> = files.iter().map(PathBuf::as_path).filter(|file| file.exists()).collect();
            if !files.is_empty() {
                contact_sheet(files.into_iter())?.save(sheet)?;
                progress.wrote(sheet);
            }
        }
        match (failed.len(), &list) {
            (0, _) if is_stopped => Err(Failure::cancelled("stopped: the same command continues".into())),
            (0, _) => Ok(()),
            (count, Some(list)) => {
                let reason = format!("{count} of {} images failed: {} lists them", items.len(), list.display());
                Err(Failure::new(reason))
            }
            (count, None) => Err(Failure::new(format!("{count} of {} images failed", items.len()))),
        }
    }

    /// Parts may share a folder.
    fn list_name(&self) -> String {
        match self.shard {
            Some(shard) => format!("failed-{}.jsonl", shard.to_string().replace('/', "-of-")),
            None => "failed.jsonl".into(),
        }
    }
}

/// Whether the user wants to stop.
fn stop(cancel: &Cancel) -> impl Fn() -> bool + Sync {
    || cancel.flow().is_break()
}

fn format(text: &str) -> Result<Format, String> {
    let format = Format::EXTENSIONS.into_iter().find(|(name, _)| *name == text).map(|(_, format)| format);
    format.ok_or_else(|| "expected png, jpg or webp".into())
}
