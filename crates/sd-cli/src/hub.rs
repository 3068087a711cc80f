//! Models of the Hugging Face hub, with the feature `hub`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sd_hub::{Hub, HubError, ModelId};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::progress::Progress;

/// The time between two updates of the progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// Finds a model or a network that `flag` names: at this path, or by its name on the hub, in the cache, into which missing files
/// are downloaded.
///
/// A path that exists but may not be read is a path, not a name.
pub fn locate(flag: &str, model: &Path, progress: &mut Progress, cancel: &Cancel) -> Result<PathBuf, Failure> {
    let wanted = model.to_str().and_then(|name| name.parse::<ModelId>().ok());
    let Some(wanted) = wanted.filter(|_| matches!(model.try_exists(), Ok(false))) else {
        return Ok(model.to_path_buf());
    };
    let mut shown = Instant::now();
    progress.busy(&format!("looking for {wanted} on the hub"));
    let found = Hub::from_env().and_then(|hub| {
        hub.fetch(&wanted, &mut |download| {
            if let Some(download) = download.filter(|_| shown.elapsed() > INTERVAL) {
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
            Failure::new(format!("{flag} {}: no such folder or file here, and from the hub: {error}", model.display()))
        }
    })?;
    if let Some(reason) = found.unreached {
        progress.warn(&format!("the hub cannot be reached ({reason}): using {wanted} from the cache"));
    }
    Ok(found.path)
}
