//! The modules of a crate, and the files that define what a path names.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::Token::{Colons, Mark, Word};
use super::tokens::{Token, closing, tokens};

/// The text of each file of a crate's `src`, by its path in there, such as `kernel/mod.rs`.
pub type Files = BTreeMap<String, String>;

/// What a path leads to: a module by its number, or an item by the module that defines it and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(usize),
    Item(usize, String),
}

/// A step of a search, to notice names that lead back to themselves.
type Step = (usize, Vec<String>);

#[derive(Debug, Default)]
struct Module {
    file: String,
    parent: usize,
    children: BTreeMap<String, usize>,
    /// Names of the items that are defined here.
    items: BTreeSet<String>,
    /// All `use` declarations, those in functions included.
    imports: Vec<Import>,
    /// Other paths, those of a single word included.
    paths: BTreeSet<Vec<String>>,
}

#[derive(Debug)]
struct Import {
    path: Vec<String>,
    /// The name that it gets here; none for `*`.
    name: Option<String>,
    /// Whether it only hands the name on, as `pub use` does.
    is_exported: bool,
}

/// The modules below one root file, `lib.rs` or `main.rs`; the first is the root's.
pub struct Modules<'a> {
    files: &'a Files,
    modules: Vec<Module>,
}

impl<'a> Modules<'a> {
    /// Reads the root file and all files that its `mod` declarations lead to.
    pub fn new(files: &'a Files, root: &str) -> Self {
        let mut modules = Self { files, modules: Vec::new() };
        modules.read_file(root, "", 0);
        modules
    }

    /// Every file that uses items of another file, with the names of those items.
    ///
    /// What a module uses of the modules above it does not count: a parent and its children belong together.
    pub fn arrows(&self) -> BTreeMap<(&str, &str), BTreeSet<String>> {
        let mut arrows: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (id, module) in self.modules.iter().enumerate() {
            let imports = module.imports.iter().filter(|import| !import.is_exported).map(|import| &import.path);
            for path in imports.chain(&module.paths) {
                for target in self.resolve(id, path, &mut Vec::new()) {
                    if let Target::Item(definer, name) = target
                        && !self.is_above(definer, id)
                    {
                        let file = self.modules[definer].file.as_str();
                        arrows.entry((module.file.as_str(), file)).or_default().insert(name);
                    }
                }
            }
        }
        arrows
    }

    /// Whether the file of a module is that of another one or of one around it.
    fn is_above(&self, upper: usize, mut id: usize) -> bool {
        loop {
            if self.modules[upper].file == self.modules[id].file {
                return true;
            }
            if id == 0 {
                return false;
            }
            id = self.modules[id].parent;
        }
    }

    /// Reads a file as a module; the files of its own modules are in `folder`.
    fn read_file(&mut self, file: &str, folder: &str, parent: usize) -> usize {
        let id = self.new_module(file, parent);
        let files = self.files;
        let text = files.get(file).map_or("", String::as_str);
        self.read_module(id, &tokens(text), folder);
        id
    }

    fn new_module(&mut self, file: &str, parent: usize) -> usize {
        self.modules.push(Module { file: file.into(), parent, ..Module::default() });
        self.modules.len() - 1
    }

    fn read_module(&mut self, id: usize, tokens: &[Token], folder: &str) {
        let (mut at, mut depth) = (0, 0);
        while at < tokens.len() {
            match tokens[at..] {
                [Word("mod"), Word(name), Mark(';'), ..] => {
                    let inner = format!("{folder}{name}/");
                    let choices = [format!("{folder}{name}.rs"), format!("{inner}mod.rs")];
                    if let Some(file) = choices.iter().find(|file| self.files.contains_key(*file)) {
                        let child = self.read_file(file, &inner, id);
                        self.modules[id].children.insert(name.into(), child);
                    }
                    at += 3;
                }
                [Word("mod"), Word(name), Mark('{'), ..] => {
                    let file = self.modules[id].file.clone();
                    let (child, end) = (self.new_module(&file, id), closing(tokens, at + 2));
                    self.modules[id].children.insert(name.into(), child);
                    self.read_module(child, &tokens[at + 3..end - 1], &format!("{folder}{name}/"));
                    at = end;
                }
                [Word("use"), next, ..] if next != Mark('<') => {
                    // `pub`, or `pub(crate)` and the like.
                    let is_exported = at > 0 && matches!(tokens[at - 1], Word("pub") | Mark(')'));
                    let length = tokens[at..].iter().position(|token| *token == Mark(';')).unwrap_or(1);
                    read_use(&tokens[at + 1..at + length], &[], is_exported, &mut self.modules[id].imports);
                    at += length;
                }
                [Word("macro_rules"), Mark('!'), Word(name), ..] => {
                    self.modules[id].items.insert(name.into());
                    at += 3;
                }
                [Word(keyword), Word(name), ..] if defines(keyword, name) => {
                    if depth == 0 {
                        self.modules[id].items.insert(name.into());
                    }
                    at += 2;
                }
                [Mark(open @ ('{' | '}')), ..] => {
                    depth += if open == '{' { 1 } else { -1 };
                    at += 1;
                }
                [Mark('.'), Mark('.'), ..] => at += 2,
                // A field or a method, used or declared.
                [Mark('.'), Word(_), ..] | [Word(_), Mark(':'), ..] => at += 2,
                [Colons | Word(_), ..] => {
                    let (path, length) = read_path(&tokens[at..]);
                    if !path.is_empty() {
                        self.modules[id].paths.insert(path);
                    }
                    at += length;
                }
                _ => at += 1,
            }
        }
    }

    fn resolve(&self, from: usize, path: &[String], seen: &mut Vec<Step>) -> BTreeSet<Target> {
        let step = (from, path.to_vec());
        let Some((first, rest)) = path.split_first().filter(|_| !seen.contains(&step)) else {
            return BTreeSet::new();
        };
        seen.push(step);
        let starts = match first.as_str() {
            "crate" => [Target::Module(0)].into(),
            "self" => [Target::Module(from)].into(),
            "super" => [Target::Module(self.modules[from].parent)].into(),
            name => self.find(from, name, seen),
        };
        let found = rest.iter().fold(starts, |targets, name| {
            targets.into_iter().flat_map(|target| self.inside(target, name, seen)).collect()
        });
        seen.pop();
        found
    }

    /// What `name` is inside of a module. Inside of an item, such as a variant of an enum, it belongs to the item.
    fn inside(&self, target: Target, name: &str, seen: &mut Vec<Step>) -> BTreeSet<Target> {
        match target {
            Target::Module(id) if name == "super" => [Target::Module(self.modules[id].parent)].into(),
            Target::Module(id) if name == "self" => [Target::Module(id)].into(),
            Target::Module(id) => {
                let (module, found) = (&self.modules[id], self.find(id, name, seen));
                let may_be_imported =
                    module.imports.iter().any(|import| import.name.as_deref().is_none_or(|known| known == name));
                // What is neither defined nor imported is made by a macro.
                if found.is_empty() && !may_be_imported { [Target::Item(id, name.into())].into() } else { found }
            }
            item => [item].into(),
        }
    }

    /// [`find`](Self::find), but nothing where the search is already looking for this name in this module.
    fn find_once(&self, id: usize, name: &str, seen: &mut Vec<Step>) -> BTreeSet<Target> {
        let step = (id, vec!["self".into(), name.to_string()]);
        if seen.contains(&step) {
            return BTreeSet::new();
        }
        seen.push(step);
        let found = self.find(id, name, seen);
        seen.pop();
        found
    }

    /// What a name means in a module: a module in it, an item of it, or an import.
    fn find(&self, id: usize, name: &str, seen: &mut Vec<Step>) -> BTreeSet<Target> {
        let module = &self.modules[id];
        let mut found = BTreeSet::new();
        found.extend(module.children.get(name).map(|child| Target::Module(*child)));
        if module.items.contains(name) {
            found.insert(Target::Item(id, name.into()));
        }
        for import in module.imports.iter().filter(|import| import.name.as_deref() == Some(name)) {
            found.extend(self.resolve(id, &import.path, seen));
        }
        // A module and a function may share a name.
        if !found.iter().any(|target| matches!(target, Target::Item(..))) {
            for import in module.imports.iter().filter(|import| import.name.is_none()) {
                for target in self.resolve(id, &import.path, seen) {
                    // Any name could be a variant of an enum or made by a macro: only names that are found count.
                    if let Target::Module(inner) = target {
                        found.extend(self.find_once(inner, name, seen));
                    }
                }
            }
        }
        found
    }
}

/// Whether two words begin an item that has a name.
fn defines(keyword: &str, name: &str) -> bool {
    let keywords = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];
    keywords.contains(&keyword) && !["fn", "unsafe", "mut"].contains(&name)
}

/// Reads what stands between `use` and `;`, after `before`.
fn read_use(tokens: &[Token], before: &[String], is_exported: bool, imports: &mut Vec<Import>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at] {
            Word("as") => break,
            Word("self") if !path.is_empty() => {}
            Word(word) => path.push(word.into()),
            Mark('*') => return imports.push(Import { path, name: None, is_exported }),
            Mark('{') => {
                let list = &tokens[at + 1..closing(tokens, at) - 1];
                return split(list).into_iter().for_each(|part| read_use(part, &path, is_exported, imports));
            }
            // A path of another crate begins with colons.
            Colons if path.is_empty() => return,
            _ => {}
        }
        at += 1;
    }
    let name = match tokens.get(at..) {
        Some([Word("as"), Word(name)]) => name.to_string(),
        _ => path.last().cloned().unwrap_or_default(),
    };
    // `use a;` of another crate brings a name that is its own path, and leads nowhere.
    if !path.is_empty() && (path.len() > 1 || path[0] != name) {
        imports.push(Import { path, name: Some(name), is_exported });
    }
}

/// Splits a list at the commas that are in no bracket.
fn split<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0;
    let parts = tokens.split(|token| {
        match token {
            Mark('{') => depth += 1,
            Mark('}') => depth -= 1,
            _ => {}
        }
        depth == 0 && *token == Mark(',')
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// The path that tokens begin with, and how many of them it takes. A path behind other colons has no beginning of ours.
fn read_path(tokens: &[Token]) -> (Vec<String>, usize) {
    let (mut path, mut at) = (Vec::new(), 0);
    let is_ours = tokens[0] != Colons;
    loop {
        match tokens[at..] {
            [Word(word), ..] => path.push(word.to_string()),
            [Colons, Word(word), ..] => {
                path.push(word.to_string());
                at += 1;
            }
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&Colons) {
            break;
        }
    }
    (if is_ours { path } else { Vec::new() }, at.max(1))
}
