//! The golden sets: data that reference implementations made, each in a folder with its script, `make.py`.
//!
//! Nothing is listed twice: a script's docstring says what its set is.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo::root;

const HELP: &str = "\
cargo xtask golden [NAME...]                   list the golden sets: what they are the truth for, reference, script, test
cargo xtask golden --python PYTHON [NAME...]   make them anew, or those named, with this Python
cargo xtask golden --write-index               write the list into docs/goldens.md

A NAME is a crate and a folder, as in sd-golden/lora, or the folder alone.";

/// The document that has the index, and what is before and after it there.
const INDEX: &str = "docs/goldens.md";
const START: &str = "<!-- made by `cargo xtask golden --write-index` -->\n";
const END: &str = "<!-- end -->\n";

/// Lists the golden sets, makes them anew, or writes their index.
pub fn run(flags: &[String]) -> ExitCode {
    if flags.iter().any(|flag| flag == "--help" || flag == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let action = match Action::parse(flags) {
        Ok(action) => action,
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match all().and_then(|sets| action.run(&sets)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
enum Action {
    List { names: Vec<String> },
    Make { python: PathBuf, names: Vec<String> },
    WriteIndex,
}

impl Action {
    fn parse(flags: &[String]) -> Result<Self, String> {
        let (mut python, mut writes_index, mut names) = (None, false, Vec::new());
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match flag.as_str() {
                "--python" => python = Some(flags.next().ok_or("--python needs the path of an interpreter")?.into()),
                "--write-index" => writes_index = true,
                flag if flag.starts_with('-') => return Err(format!("unknown flag `{flag}`")),
                name => names.push(name.into()),
            }
        }
        match (python, writes_index) {
            (None, false) => Ok(Self::List { names }),
            (Some(python), false) => Ok(Self::Make { python, names }),
            (None, true) if names.is_empty() => Ok(Self::WriteIndex),
            _ => Err("--write-index stands alone".into()),
        }
    }

    fn run(&self, sets: &[Set]) -> Result<(), String> {
        match self {
            Self::List { names } => {
                for set in chosen(sets, names)? {
                    println!("{set}\n");
                }
                println!("Python that makes them:\n\n{}", environment(sets)?);
                Ok(())
            }
            Self::Make { python, names } => make(python, &chosen(sets, names)?),
            Self::WriteIndex => {
                let path = root().join(INDEX);
                let text = with_index(&read(&path)?, &index(sets)?)?;
                std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
            }
        }
    }
}

/// A golden set, as the docstring of its script describes it.
#[derive(Debug, Default, PartialEq)]
struct Set {
    /// The script, from the top folder of the project.
    script: PathBuf,
    /// What the data are the truth for.
    about: String,
    /// Packages and their versions.
    reference: Vec<(String, String)>,
    /// Files and folders, from the script's folder; `*` stands for any letters of a name.
    writes: Vec<String>,
    /// The tests that read them, from the top folder of the project.
    tests: Vec<String>,
    /// Whether the script reads what another one writes, so that it runs later.
    is_later: bool,
}

impl Set {
    /// Reads the docstring: a line of what the set is, and behind an empty line the fields, of which each may go on in
    /// indented lines.
    fn parse(script: &Path, text: &str) -> Result<Self, String> {
        let error = |problem: &str| format!("{}: {problem}", script.display());
        let docstring = text.strip_prefix("\"\"\"").and_then(|text| text.split_once("\"\"\""));
        let (docstring, _) = docstring.ok_or_else(|| error("it does not begin with a docstring"))?;
        let mut paragraphs = docstring.split("\n\n");
        let about = paragraphs.next().unwrap_or_default().trim().to_string();
        let fields = paragraphs.next().unwrap_or_default().replace("\n    ", " ");
        let field = |name: &str| -> Vec<String> {
            let value = fields.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
            value.into_iter().flat_map(|value| value.split(',')).map(|item| item.trim().to_string()).collect()
        };
        let needed = |name: &str| match field(name) {
            items if items.is_empty() => Err(error(&format!("its docstring has no line `{name}:`"))),
            items => Ok(items),
        };
        let version = |item: String| {
            let (package, version) = item.split_once(' ').ok_or_else(|| error(&format!("`{item}` has no version")))?;
            Ok((package.to_string(), version.to_string()))
        };
        Ok(Self {
            script: script.into(),
            about,
            reference: needed("Reference")?.into_iter().map(version).collect::<Result<_, String>>()?,
            writes: needed("Writes")?,
            tests: needed("Test")?,
            is_later: !field("After").is_empty(),
        })
    }

    /// The crate and the folder's name.
    fn name(&self) -> String {
        let part = |n: usize| self.script.iter().nth(n).unwrap_or_default().to_string_lossy();
        format!("{}/{}", part(1), part(self.script.iter().count() - 2))
    }

    fn reference(&self) -> String {
        self.reference.iter().map(|(package, version)| format!("{package} {version}")).collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Display for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n    {}", self.name(), self.about)?;
        writeln!(f, "    reference  {}\n    script     {}", self.reference(), self.script.display())?;
        write!(f, "    test       {}", self.tests.join("\n               "))
    }
}

/// All golden sets, in the order in which they are made.
fn all() -> Result<Vec<Set>, String> {
    let scripts = python_files()?.into_iter().filter(|path| path.ends_with("make.py"));
    let sets = scripts.map(|script| Set::parse(&script, &read(&root().join(&script))?));
    let mut sets = sets.collect::<Result<Vec<_>, _>>()?;
    sets.sort_by_key(|set| (set.is_later, set.name()));
    Ok(sets)
}

/// Every Python file of the project, from its top folder.
fn python_files() -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["benches", "crates", "docs", "xtask"].map(PathBuf::from).into();
    while let Some(folder) = folders.pop() {
        let entries = root().join(&folder).read_dir().map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The sets that some names mean: all, if there are none.
fn chosen<'a>(sets: &'a [Set], names: &[String]) -> Result<Vec<&'a Set>, String> {
    let is_named = |set: &Set, name: &str| set.name() == name || set.name().ends_with(&format!("/{name}"));
    if let Some(unknown) = names.iter().find(|name| !sets.iter().any(|set| is_named(set, name))) {
        let known = sets.iter().map(Set::name).collect::<Vec<_>>().join(", ");
        return Err(format!("no golden set is called `{unknown}`; there are {known}"));
    }
    Ok(sets.iter().filter(|set| names.is_empty() || names.iter().any(|name| is_named(set, name))).collect())
}

/// Runs the script of each set, and names those that failed.
fn make(python: &Path, sets: &[&Set]) -> Result<(), String> {
    let mut failed = Vec::new();
    for set in sets {
        println!("== {}", set.name());
        let mut command = Command::new(python);
        command.arg(root().join(&set.script)).env("PYTHONDONTWRITEBYTECODE", "1");
        // Nothing is downloaded, and transformers writes into some configs whether it was online.
        command.env("HF_HUB_OFFLINE", "1");
        let status = command.status().map_err(|error| format!("{}: {error}", python.display()))?;
        if !status.success() {
            failed.push(set.name());
        }
    }
    if failed.is_empty() {
        println!("all were made; `git status` says whether any changed");
        return Ok(());
    }
    Err(format!("these were not made, see above: {}", failed.join(", ")))
}

/// The commands that install every reference, as Markdown and shells have them.
fn environment(sets: &[Set]) -> Result<String, String> {
    // These depend on much that is not needed to run what is run of them, and on what is: `NEEDED`.
    const ALONE: [&str; 8] = [
        "controlnet_aux",
        "DeepCache",
        "k-diffusion",
        "lycoris-lora",
        "open_clip_torch",
        "sd-prompt-reader",
        "tgate",
        "tomesd",
    ];
    const NEEDED: &str = "einops toml torchdiffeq torchsde";
    // A commit is of a repository, and no version of a package.
    let references = sets.iter().flat_map(|set| &set.reference);
    let mut packages: Vec<&(String, String)> = references.filter(|(_, version)| version.contains('.')).collect();
    packages.sort();
    packages.dedup();
    if let Some(pair) = packages.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("{} is wanted in versions {} and {}", pair[0].0, pair[0].1, pair[1].1));
    }
    let install = |alone: bool| {
        let chosen = packages.iter().filter(|(package, _)| ALONE.contains(&package.as_str()) == alone);
        chosen.map(|(package, version)| format!(" {package}=={version}")).collect::<String>()
    };
    Ok(format!(
        "python3 -m venv oracle\noracle/bin/pip install{} {NEEDED}\noracle/bin/pip install --no-deps{}\n\
         cargo xtask golden --python oracle/bin/python\n",
        install(false),
        install(true)
    ))
}

/// The index: how the sets are made, and a table of them.
fn index(sets: &[Set]) -> Result<String, String> {
    let link = |text: &str, path: &str| format!("[`{text}`](../{path})");
    let row = |set: &Set| {
        let tests: Vec<_> = set.tests.iter().map(|test| link(test.trim_start_matches("crates/"), test)).collect();
        let script = set.script.to_string_lossy().replace('\\', "/");
        format!("| {} | {} | {} | {} |\n", link(&set.name(), &script), set.about, set.reference(), tests.join(", "))
    };
    let mut sorted: Vec<&Set> = sets.iter().collect();
    sorted.sort_by_key(|set| set.name());
    let table: String = sorted.into_iter().map(row).collect();
    Ok(format!(
        "```sh\n{}```\n\n| set | truth for | reference | test |\n|---|---|---|---|\n{table}",
        environment(sets)?
    ))
}

/// The document with another index.
fn with_index(document: &str, index: &str) -> Result<String, String> {
    let cut = document.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = cut.ok_or_else(|| format!("{INDEX} has no place for the index"))?;
    Ok(format!("{before}{START}{index}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python that makes no golden data: what several scripts share, the benchmark of PyTorch, data of an example, and clients.
    const OTHERS: [&str; 9] = [
        "crates/sd-golden/golden/tiny.py",
        "crates/sd-golden/golden/tiny_control.py",
        "crates/sd-golden/golden/twenty_steps.py",
        "crates/sd-golden/golden/originals.py",
        "benches/compare/networks.py",
        "crates/sd-evaluate/examples/digits/digits.py",
        "crates/sd-serve/tests/clients/load.py",
        "crates/sd-serve/tests/clients/openai_client.py",
        "crates/sd-serve/tests/clients/webuiapi_client.py",
    ];

    const SCRIPT: &str = "\"\"\"Ids of prompts.\n\nReference: torch 2.8.0, k-diffusion 0.1.1\nWrites: *.json\n\
                          Test: crates/sd-x/tests/a.rs,\n    crates/sd-y/tests/b.rs\n\nMore: of it.\n\"\"\"\nimport json\n";

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_string()).collect()
    }

    fn example() -> Set {
        Set::parse(Path::new("crates/sd-x/tests/golden/ids/make.py"), SCRIPT).unwrap()
    }

    /// Whether a file's name is that of an item that a script writes.
    fn matches(item: &str, name: &str) -> bool {
        let long_enough = name.len() + 1 >= item.len();
        item == name
            || item
                .split_once('*')
                .is_some_and(|(start, end)| long_enough && name.starts_with(start) && name.ends_with(end))
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into()).collect()
    }

    #[test]
    fn every_python_file_is_the_script_of_a_set_or_shared() {
        let sets = all().unwrap();
        for file in python_files().unwrap() {
            let is_known =
                sets.iter().any(|set| set.script == file) || OTHERS.iter().any(|other| file == Path::new(other));
            assert!(is_known, "{}: golden data are made by scripts called make.py", file.display());
        }
    }

    #[test]
    fn every_file_that_a_set_lists_exists() {
        for set in all().unwrap() {
            for test in &set.tests {
                assert!(root().join(test).is_file(), "{}: {test} does not exist", set.name());
            }
            let folder = root().join(&set.script).with_file_name("");
            for item in &set.writes {
                let file = folder.join(item);
                let is_there = match item.contains('*') {
                    true => names_in(&folder).iter().any(|name| matches(item, name)),
                    false => file.exists(),
                };
                assert!(is_there, "{}: {item} does not exist", set.name());
            }
        }
    }

    #[test]
    fn every_file_beside_a_script_is_written_by_it() {
        for set in all().unwrap() {
            for name in names_in(&root().join(&set.script).with_file_name("")) {
                let is_code = name == "make.py" || name.ends_with(".rs") || name == "__pycache__";
                let is_written = set.writes.iter().any(|item| matches(item, &name));
                assert!(is_code || is_written, "{}: {name} is not among what its script says it writes", set.name());
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let sets = all().unwrap();
        let mut names: Vec<String> = sets.iter().map(Set::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), sets.len());
    }

    #[test]
    fn the_index_is_current() {
        let document = read(&root().join(INDEX)).unwrap();
        let current = with_index(&document, &index(&all().unwrap()).unwrap()).unwrap();
        assert!(document == current, "{INDEX} is not current: run `cargo xtask golden --write-index`");
    }

    #[test]
    fn a_docstring_says_what_a_set_is() {
        let pairs = [("torch", "2.8.0"), ("k-diffusion", "0.1.1")];
        let expected = Set {
            script: "crates/sd-x/tests/golden/ids/make.py".into(),
            about: "Ids of prompts.".into(),
            reference: pairs.map(|(package, version)| (package.to_string(), version.to_string())).into(),
            writes: strings(&["*.json"]),
            tests: strings(&["crates/sd-x/tests/a.rs", "crates/sd-y/tests/b.rs"]),
            is_later: false,
        };
        assert_eq!(example(), expected);
        assert_eq!(expected.name(), "sd-x/ids");
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        let parse = |text: &str| Set::parse(Path::new("crates/sd-x/make.py"), text).unwrap_err();
        assert!(parse("import json\n").contains("crates/sd-x/make.py: it does not begin with a docstring"));
        assert!(parse(&SCRIPT.replace("Writes", "Reads")).contains("no line `Writes:`"));
        assert!(parse(&SCRIPT.replace("torch 2.8.0", "torch")).contains("`torch` has no version"));
    }

    #[test]
    fn sets_are_chosen_by_their_names() {
        let sets = [example()];
        let count = |names: &[&str]| chosen(&sets, &strings(names)).map(|chosen| chosen.len());
        assert_eq!((count(&[]), count(&["ids"]), count(&["sd-x/ids"])), (Ok(1), Ok(1), Ok(1)));
        assert!(count(&["ids", "x/ids"]).unwrap_err().contains("`x/ids`; there are sd-x/ids"));
    }

    #[test]
    fn one_version_of_each_package_is_installed() {
        let mut sets = [example(), example()];
        let commands = environment(&sets).unwrap();
        assert!(commands.contains("install torch==2.8.0 ") && commands.contains("--no-deps k-diffusion==0.1.1\n"));
        sets[1].reference[0].1 = "2.9.0".into();
        assert_eq!(environment(&sets).unwrap_err(), "torch is wanted in versions 2.8.0 and 2.9.0");
    }

    #[test]
    fn commits_are_not_installed_and_may_differ() {
        let mut sets = [example(), example()];
        let commands = environment(&sets).unwrap();
        for (set, commit) in sets.iter_mut().zip(["e0d4ea77", "87607c5f"]) {
            set.reference.push(("ComfyUI".into(), commit.into()));
        }
        assert_eq!(environment(&sets).unwrap(), commands);
    }

    #[test]
    fn flags_say_what_is_done() {
        let parse = |flags: &[&str]| Action::parse(&strings(flags));
        assert_eq!(parse(&[]), Ok(Action::List { names: vec![] }));
        let made = Action::Make { python: "python3".into(), names: strings(&["lora", "unets"]) };
        assert_eq!(parse(&["lora", "--python", "python3", "unets"]), Ok(made));
        assert_eq!(parse(&["--write-index"]), Ok(Action::WriteIndex));
        for (flags, named) in [
            (&["--python"][..], "--python needs"),
            (&["--write-index", "lora"], "stands alone"),
            (&["--pyhton", "python3"], "`--pyhton`"),
        ] {
            let error = parse(flags).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
