use std::fs::{self, File};

use sd_files::{remove_leftovers, write_atomically};

use super::names;

#[test]
fn leftovers_of_killed_processes_are_removed_and_files_being_written_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a.png.17.partial", "a.png.18-3.partial", "b.png.17.partial", "a.png.mine.partial", "a.png.partial"] {
        fs::write(path(name), "half").unwrap();
    }
    fs::create_dir_all(path("model.17-0.partial/unet")).unwrap();
    let writing = File::create(path("a.png.19-0.partial")).unwrap();
    writing.lock().unwrap();
    write_atomically(&path("a.png"), |file| file.write_all(b"whole")).unwrap();
    let left = ["a.png", "a.png.19-0.partial", "a.png.mine.partial", "a.png.partial"];
    assert_eq!(names(folder.path()), [&left[..], &["b.png.17.partial", "model.17-0.partial"]].concat());
    remove_leftovers(folder.path());
    #[cfg(unix)]
    assert_eq!(names(folder.path()), left);
}

#[test]
fn a_partial_file_is_locked_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    write_atomically(&folder.path().join("a"), |file| {
        remove_leftovers(folder.path());
        assert_eq!(names(folder.path()).len(), 1);
        file.write_all(b"whole")
    })
    .unwrap();
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn the_longest_names_of_a_system_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a".repeat(255), "ü".repeat(127)] {
        write_atomically(&folder.path().join(&name), |file| file.write_all(b"whole")).unwrap();
        assert_eq!(names(folder.path()), std::slice::from_ref(&name));
        fs::remove_file(folder.path().join(name)).unwrap();
    }
}
