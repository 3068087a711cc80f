use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sd_files::write_atomically;

use super::StoreError;
use crate::id::ImageId;

/// The folder of images. Names come from `ImageId` alone, so no text of a request is ever a path.
pub struct Files(PathBuf);

impl Files {
    /// The images in a store's folder.
    pub fn open(store: &Path) -> Result<Self, StoreError> {
        let folder = store.join("images");
        create_private(&folder).map_err(|error| StoreError::file(&folder, error))?;
        sd_files::remove_leftovers(&folder);
        Ok(Self(folder))
    }

    /// Writes an image, and returns when it is on disk.
    pub fn write(&self, id: &ImageId, png: &[u8]) -> Result<(), StoreError> {
        let path = self.path(id);
        write_atomically(&path, |file| file.write_all(png)).map_err(|error| StoreError::file(&path, error))?;
        // The name is on disk once the folder is. Not every system opens folders.
        if let Ok(folder) = File::open(&self.0) {
            folder.sync_all().map_err(|error| StoreError::file(&self.0, error))?;
        }
        Ok(())
    }

    /// Reads an image; none if there is no such file.
    pub fn read(&self, id: &ImageId) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::file(&path, error)),
        }
    }

    /// Removes an image; one that is not there is removed already.
    pub fn remove(&self, id: &ImageId) {
        if let Err(error) = fs::remove_file(self.path(id))
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(image = %id, %error, "an image could not be removed");
        }
    }

    /// All images in the folder.
    pub fn all(&self) -> Result<Vec<ImageId>, StoreError> {
        let entries = fs::read_dir(&self.0).map_err(|error| StoreError::file(&self.0, error))?;
        let id = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".png")?.parse().ok();
        Ok(entries.flatten().filter_map(id).collect())
    }

    fn path(&self, id: &ImageId) -> PathBuf {
        self.0.join(format!("{id}.png"))
    }
}

/// Makes a folder that other users of the machine cannot look into, unless it is there.
#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a folder, unless it is there.
#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
