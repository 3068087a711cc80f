use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sd_files::{Destination, write_atomically};

#[test]
fn a_write_to_a_link_goes_to_its_target_and_the_link_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("far")).unwrap();
    fs::write(path("far/old"), "old").unwrap();
    for (link, target) in [("there", "far/old"), ("dangling", "far/new"), ("twice", "dangling")] {
        symlink(target, path(link)).unwrap();
        Destination::from_path(&path(link)).unwrap().check().unwrap();
        write_atomically(&path(link), |file| file.write_all(link.as_bytes())).unwrap();
        assert!(path(link).is_symlink());
        assert_eq!(fs::read_to_string(path(link)).unwrap(), link);
    }
    assert_eq!(fs::read_to_string(path("far/old")).unwrap(), "there");
    assert_eq!(fs::read_to_string(path("far/new")).unwrap(), "twice");
    assert_eq!(fs::read_dir(path("far")).unwrap().count(), 2);
    symlink("ring", path("ring")).unwrap();
    assert!(Destination::from_path(&path("ring")).unwrap_err().to_string().contains("ring"));
}

#[test]
fn names_up_to_the_longest_can_be_written_and_longer_ones_are_refused_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["n".repeat(241), "n".repeat(255), "é".repeat(127)] {
        let path = folder.path().join(name);
        Destination::from_path(&path).unwrap().check().unwrap();
        write_atomically(&path, |file| file.write_all(b"x")).unwrap();
        assert!(path.is_file());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    let error = Destination::from_path(&folder.path().join("n".repeat(256))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidFilename);
}

#[test]
fn a_check_finds_what_cannot_be_written_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let check = |path: PathBuf| Destination::from_path(&path).and_then(|to| to.check()).map_err(|error| error.kind());
    assert_eq!(check(folder.path().into()), Err(ErrorKind::IsADirectory));
    assert_eq!(check(folder.path().join("new/")), Err(ErrorKind::IsADirectory));
    assert_eq!(check(folder.path().join("none/x")), Err(ErrorKind::NotFound));
    assert_eq!(check(folder.path().join("file/x")), Err(ErrorKind::NotADirectory));
    assert_eq!(check(PathBuf::new()), Err(ErrorKind::InvalidFilename));
    assert_eq!(check(folder.path().join("file")), Ok(()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn devices_are_written_directly_and_their_failures_are_reported() {
    for (device, works) in [("/dev/null", true), ("/dev/full", false)] {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink(device, &link).unwrap();
        assert_eq!(Destination::from_path(&link).unwrap(), Destination::Stream(device.into()));
        assert_eq!(write_atomically(&link, |file| file.write_all(b"x")).is_ok(), works);
        assert!(link.is_symlink());
    }
    assert!(matches!(Destination::from_path(Path::new("/dev/stdout")).unwrap(), Destination::Stream(_)));
}
