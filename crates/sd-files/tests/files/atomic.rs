use std::fs;
use std::path::Path;

use sd_files::{make_folder_atomically, update_folder_atomically, write_atomically};

use super::names;

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    write_atomically(&path, |file| file.write_all(b"old")).unwrap();
    write_atomically(&path, |file| {
        file.write_all(b"half")?;
        Err(std::io::Error::other("disk full"))
    })
    .unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_is_there_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let fill = |partial: &Path| fs::write(partial.join("file"), "half");
    make_folder_atomically(
        &path,
        |error| error,
        |partial| {
            fill(partial)?;
            Err(std::io::Error::other("disk full"))
        },
    )
    .unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    make_folder_atomically(&path, |error| error, fill).unwrap();
    assert!(path.join("file").is_file());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_is_updated_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fs::create_dir_all(path.join("unet")).unwrap();
    fs::write(path.join("unet/weights"), "old").unwrap();
    fs::write(path.join("README"), "mine").unwrap();
    let fill = |partial: &Path| {
        fs::create_dir(partial.join("unet"))?;
        fs::write(partial.join("unet/weights"), "new")
    };
    let full = |partial: &Path| fill(partial).and(Err(std::io::Error::other("disk full")));
    update_folder_atomically(&path, |error| error, full).unwrap_err();
    assert_eq!(fs::read(path.join("unet/weights")).unwrap(), b"old");
    update_folder_atomically(&path, |error| error, fill).unwrap();
    assert_eq!(fs::read(path.join("unet/weights")).unwrap(), b"new");
    assert_eq!(fs::read(path.join("README")).unwrap(), b"mine");
    assert_eq!(names(folder.path()), ["model"]);
}
