use std::fs;

use sd_prompt::{Template, Wildcards};

use crate::{all_with, folder, wildcards};

#[test]
fn entries_are_lines_without_comments_and_repetitions() {
    let text = "\u{feff}red\r\n\r\n# a comment\n  # another one\n  dark blue \t\nred\n#1\n1 # one\nlast";
    let (_folder, wildcards) = wildcards(&[("c.txt", text)]);
    assert_eq!(all_with("__c__", &wildcards).unwrap(), ["red", "dark blue", "1 # one", "last"]);
}

#[test]
fn files_are_sorted_by_name_and_their_entries_are_not() {
    let (_folder, wildcards) = wildcards(&[("b.txt", "2\n1"), ("a/z.txt", "4\n3"), ("c.txt", "0\n1"), ("a.txt", "5")]);
    assert!(wildcards.names().eq(["a", "a/z", "b", "c"]));
    assert_eq!(all_with("__*__", &wildcards).unwrap(), ["5", "4", "3", "2", "1", "0"]);
    assert_eq!(all_with("__a/**__", &wildcards).unwrap(), ["4", "3"]);
}

#[test]
fn unknown_names_are_looked_for_in_all_folders() {
    let (_folder, wildcards) = wildcards(&[("a/x.txt", "1"), ("b/c/x.txt", "2"), ("y.txt", "__x__"), ("xx.txt", "3")]);
    assert_eq!(all_with("__y__", &wildcards).unwrap(), ["1", "2"]);
    assert_eq!(all_with("__c/x__", &wildcards).unwrap(), ["2"]);
}

#[test]
fn other_files_and_hidden_folders_are_no_wildcards() {
    let files = [(".git/a.txt", "x"), ("a.yaml", "x"), ("readme", "x"), (".txt", "x"), ("v1.5 names.txt", "x")];
    let (_folder, wildcards) = wildcards(&files);
    assert!(wildcards.names().eq(["v1.5 names"]));
    assert_eq!(all_with("__v1.5 names__", &wildcards).unwrap(), ["x"]);
}

#[test]
fn files_are_read_when_they_are_needed() {
    let folder = folder(&[("a.txt", "a")]);
    fs::write(folder.path().join("broken.txt"), b"\xff").unwrap();
    let wildcards = Wildcards::in_folder(folder.path()).unwrap();
    assert_eq!(all_with("__a__", &wildcards).unwrap(), ["a"]);
    // And once only.
    fs::remove_file(folder.path().join("a.txt")).unwrap();
    assert_eq!(all_with("__a__", &wildcards).unwrap(), ["a"]);
    assert!(all_with("__broken__", &wildcards).is_err());
}

#[cfg(unix)]
#[test]
fn links_that_lead_back_are_followed_once() {
    let folder = folder(&[("sub/a.txt", "a")]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("sub/back")).unwrap();
    let wildcards = Wildcards::in_folder(folder.path()).unwrap();
    assert!(wildcards.names().eq(["sub/a"]));
}

#[test]
fn two_entries_differ_even_if_two_files_have_them() {
    let (_folder, wildcards) = wildcards(&[("a.txt", "x\ny"), ("b.txt", "y\nx")]);
    assert_eq!(all_with("{2$$__*__}", &wildcards).unwrap(), ["x,y", "y,x"]);
    let template = Template::parse("{2$$ $$__a__}");
    for seed in 0..100 {
        assert!(["x y", "y x"].contains(&template.draw(seed, &wildcards).unwrap().as_str()));
    }
}
