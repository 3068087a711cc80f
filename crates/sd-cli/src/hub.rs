//! Models of the Hugging Face hub, if the program was built with the feature `hub`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sd_hub::{Hub, HubError, ModelId};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::progress::Progress;

/// How often progress is shown.
const OFTEN: Duration = Duration::from_millis(100);

/// Where a model is: at this path, or else, if it could be the name of one, where the hub's files are in the cache.
///
/// A path that the system does not let one see is a path.
pub fn located(model: &Path, progress: &mut Progress, cancel: &Cancel) -> Result<PathBuf, Failure> {
    let wanted = model.to_str().and_then(|name| name.parse::<ModelId>().ok());
    let Some(wanted) = wanted.filter(|_| matches!(model.try_exists(), Ok(false))) else {
        return Ok(model.to_path_buf());
    };
    let mut shown = Instant::now();
    progress.busy(&format!("asking the hub for {wanted}"));
    let found = Hub::from_env().and_then(|hub| {
        hub.fetch(&wanted, &mut |download| {
            if let Some(download) = download.filter(|_| shown.elapsed() > OFTEN) {
                shown = Instant::now();
                let megabytes = |bytes: u64| bytes / 1_000_000;
                let (done, total) = (megabytes(download.done), megabytes(download.total));
                progress.work(&format!("{} ({done} of {total} MB)", download.file), download.done, download.total);
            }
            cancel.flow()
        })
    });
    progress.clear();
    let found = found.map_err(|error| match error {
        HubError::Cancelled => Failure::cancelled(error.to_string()),
        error => {
            Failure::of(format!("--model {}: no such folder or file here, and of the hub: {error}", model.display()))
        }
    })?;
    if let Some(reason) = found.unreached {
        progress.warn(&format!("the hub cannot be reached ({reason}): {wanted} is drawn with as it is in the cache"));
    }
    Ok(found.path)
}
