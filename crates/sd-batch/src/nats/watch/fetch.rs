use std::path::PathBuf;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use sd_files::write_atomically;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::BatchError;
use crate::format::from_extension;
use crate::nats::queue::Queue;

/// Images that are on their way at once.
const IN_FLIGHT: usize = 16;

/// How long an image may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fetches images, and writes each to its files, beside them and then renamed. Returns how many were fetched, and which could not be.
pub async fn fetch_all(queue: &Queue, wanted: Vec<(Vec<PathBuf>, String)>) -> Result<(usize, Vec<String>), BatchError> {
    let (mut fetched, mut missing) = (0, Vec::new());
    let is_here = |files: &[PathBuf]| files.iter().all(|file| file.exists());
    let open = wanted.into_iter().filter(|(files, _)| !is_here(files));
    let fetch = |(files, object): (Vec<PathBuf>, String)| async move {
        match timeout(PATIENCE, queue.image(&object)).await.ok().flatten() {
            // On threads that may wait for the disk.
            Some(image) => {
                spawn_blocking(move || write(&files, &image)).await.map_or(Ok(Some(object)), |done| done.map(|()| None))
            }
            None => Ok(Some(object)),
        }
    };
    let mut images = stream::iter(open).map(fetch).buffer_unordered(IN_FLIGHT);
    while let Some(left) = images.next().await {
        match left? {
            Some(object) => missing.push(object),
            None => fetched += 1,
        }
    }
    Ok((fetched, missing))
}

fn write(files: &[PathBuf], image: &[u8]) -> Result<(), BatchError> {
    files.iter().filter(|file| !file.exists()).try_for_each(|file| {
        let written = write_atomically(file, |to| to.write_all(image));
        written.map_err(|source| BatchError::Io { file: file.clone(), source })
    })
}

/// Whether a name is that of an image: 16 digits and an extension. Others may be in a store, and must not become paths.
pub fn is_image(object: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    object.split_once('.').is_some_and(|(id, extension)| {
        id.len() == 16 && id.bytes().all(is_digit) && from_extension(extension).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_images_become_files() {
        assert!(is_image("0123456789abcdef.png"));
        for name in [
            "../0123456789abcdef.png",
            "0123456789abcdef.sh",
            "0123456789ABCDEF.png",
            "a.png",
            "0123456789abcdef.png/x",
            "",
        ] {
            assert!(!is_image(name), "{name}");
        }
    }
}
