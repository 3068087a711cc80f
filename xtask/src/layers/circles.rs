//! Files of a crate that use each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::modules::{Files, Modules};

/// Fails with every circle of files in these crates, given by their folders.
pub fn check(crates: &[impl AsRef<Path>]) -> Result<(), String> {
    let mut found = Vec::new();
    for folder in crates.iter().map(AsRef::as_ref) {
        let source = folder.join("src");
        if source.is_dir() {
            let mut files = Files::new();
            read(&source, "", &mut files).map_err(|error| format!("{}: {error}", source.display()))?;
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            found.extend(circles(&files).iter().map(|circle| format!("{name}: {circle}")));
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(format!("files that import each other in a circle:\n{}", found.join("\n"))),
    }
}

/// Reads all Rust files of a folder and of those in it.
fn read(folder: &Path, inside: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = format!("{inside}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files)?;
        } else if name.ends_with(".rs") {
            files.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// Describes each circle: its files, and a line for each import among them.
fn circles(files: &Files) -> Vec<String> {
    let roots = files.keys().filter(|file| matches!(file.as_str(), "lib.rs" | "main.rs"));
    roots.flat_map(|root| circles_below(files, root)).collect()
}

fn circles_below(files: &Files, root: &str) -> Vec<String> {
    let modules = Modules::new(files, root);
    let arrows = modules.arrows();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in arrows.keys() {
        uses.entry(from).or_default().insert(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|file| (*file, reached(file, &uses))).collect();
    let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for file in uses.keys().filter(|file| reaches(file, file)) {
        if circles.iter().all(|circle| !circle.contains(file)) {
            circles.push(uses.keys().copied().filter(|other| reaches(file, other) && reaches(other, file)).collect());
        }
    }
    let describe = |circle: &BTreeSet<&str>| {
        let inner = arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        let lines = inner.map(|((from, to), names)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("  {from} ──► {to}: {}", names.join(", "))
        });
        let names: Vec<&str> = circle.iter().copied().collect();
        format!("{}\n{}", names.join(", "), lines.collect::<Vec<_>>().join("\n"))
    };
    circles.iter().map(describe).collect()
}

/// All files that a file uses, directly or through others.
fn reached<'a>(file: &str, uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![file]);
    while let Some(next) = open.pop() {
        let new = uses.get(next).into_iter().flatten().filter(|to| reached.insert(**to));
        open.extend(new.collect::<Vec<_>>());
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of each circle.
    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        let first_line = |circle: String| circle.lines().next().unwrap_or_default().to_string();
        circles(&files).into_iter().map(first_line).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        for b in [
            "use crate::a::A; pub struct B(A);",
            "use super::a::A; pub struct B(A);",
            "pub struct B(crate::a::A);",
            "use super::a; pub struct B(a::A);",
            "use super::{c, a::{self as first}}; pub struct B(first::A);",
            "pub fn b() { use crate::a::A as Other; } pub struct B;",
            "use super::a::*; pub struct B(A);",
        ] {
            assert_eq!(circles_of(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", b)]), ["a.rs, b.rs"], "{b}");
        }
    }

    #[test]
    fn a_circle_over_several_files_is_found_and_its_neighbours_are_not_in_it() {
        let files = [
            ("main.rs", "mod a; mod b; mod c; mod d; mod e; fn main() { a::a() }"),
            ("a.rs", "use crate::b::b; pub fn a() { b() }"),
            ("b.rs", "use crate::c::c; pub fn b() { c() }"),
            ("c.rs", "use crate::{a::a, d::d}; pub fn c() { a(); d() }"),
            ("d.rs", "pub fn d() {}"),
            ("e.rs", "use crate::a::a; pub fn e() { a() }"),
        ];
        assert_eq!(circles_of(&files), ["a.rs, b.rs, c.rs"]);
    }

    #[test]
    fn the_report_says_who_uses_what() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::{B, C};\npub struct A;"),
            ("b.rs", "use crate::a::A;\npub struct B;\npub struct C;"),
        ];
        let files = files.map(|(name, text)| (name.to_string(), text.to_string())).into();
        assert_eq!(circles(&files), ["a.rs, b.rs\n  a.rs ──► b.rs: B, C\n  b.rs ──► a.rs: A"]);
    }

    #[test]
    fn a_name_that_is_handed_on_leads_to_the_file_that_defines_it() {
        let lib = ("lib.rs", "mod error; mod parts; pub use error::Error; pub use parts::{Part, pack as wrap};");
        let parts = ("parts/mod.rs", "mod pack; mod part; pub use self::pack::*; pub(crate) use part::Part;");
        let part =
            ("parts/part.rs", "use crate::Error; pub struct Part(Error); impl Part { fn f() { super::pack() } }");
        let pack = ("parts/pack.rs", "pub fn pack() {}");
        let error = ("error.rs", "pub struct Error;");
        assert_eq!(circles_of(&[lib, parts, part, pack, error]), NONE);
        let pack = ("parts/pack.rs", "pub fn pack() -> crate::Part {}");
        assert_eq!(circles_of(&[lib, parts, part, pack, error]), ["parts/pack.rs, parts/part.rs"]);
        let error = ("error.rs", "use crate::wrap; pub struct Error;");
        let pack = ("parts/pack.rs", "pub fn pack() -> crate::Error {}");
        assert_eq!(circles_of(&[lib, parts, part, pack, error]), ["error.rs, parts/pack.rs"]);
    }

    #[test]
    fn parents_and_children_may_use_each_other_but_not_through_a_third_file() {
        let files = |c| {
            [
                ("lib.rs", "mod a; mod c;"),
                ("a/mod.rs", "mod b; pub use b::b; pub struct A; fn f() { b(A) }"),
                ("a/b.rs", "use super::A; use crate::c::C; pub fn b(a: A) -> C {}"),
                ("c.rs", c),
            ]
        };
        assert_eq!(circles_of(&files("pub struct C;")), NONE);
        assert_eq!(circles_of(&files("pub struct C(crate::a::A);")), ["a/b.rs, a/mod.rs, c.rs"]);
    }

    #[test]
    fn tests_comments_other_crates_and_modules_in_a_file_are_no_arrows() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        for b in [
            "/// Of [`A`](crate::a::A).\npub struct B; // crate::a::A",
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
            "use other::a::A; pub struct B(A, ::a::A);",
            "mod a { pub struct A; } pub struct B(a::A, self::a::A);",
            "pub struct B; impl B { fn f(&self) { self.A } }",
        ] {
            assert_eq!(circles_of(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", b)]), NONE, "{b}");
        }
        // A file that is a module of tests.
        let files = [("lib.rs", "#[cfg(test)] mod a; mod b;"), a, ("b.rs", "use crate::a::A; pub struct B;")];
        assert_eq!(circles_of(&files), NONE);
    }

    #[test]
    fn names_that_lead_back_to_themselves_do_not_hang() {
        let files = [("lib.rs", "mod a; pub use a::*; use a::x;"), ("a.rs", "pub use crate::*; pub use crate::x;")];
        assert_eq!(circles_of(&files), NONE);
    }
}
