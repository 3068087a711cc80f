//! The names of the images of a command.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use sd_image::Format;

use crate::failure::Failure;
use crate::outputs::numbered;

/// What stands for a property of an image in a name.
const PLACES: [&str; 4] = ["{seed}", "{date}", "{model}", "{index}"];

/// The names of several images.
pub struct Naming {
    /// A file, or its name with [`PLACES`].
    pattern: PathBuf,
    count: u64,
    model: String,
    date: String,
    /// In a folder, the number of the first image.
    first: Option<u64>,
}

impl Naming {
    /// Reads the name that a flag gives, for so many images of a model.
    ///
    /// In a folder, images are named by a number that is larger than those there, and their seed.
    pub fn new(flag: &str, output: &Path, count: u64, model: &str) -> Result<Self, Failure> {
        // A folder that is called as an image is called is a mistake.
        let is_folder = output.to_string_lossy().ends_with(['/', MAIN_SEPARATOR])
            || output.is_dir() && Format::from_path(output).is_err();
        let pattern = if is_folder { output.join("{index}-{seed}.png") } else { output.to_path_buf() };
        if let Some(unknown) = unknown(&pattern.to_string_lossy()) {
            let reason = format!("{unknown} is unknown; there are {}", PLACES.join(", "));
            return Err(Failure::usage(format!("{flag} {}: {reason}", output.display())));
        }
        Ok(Self {
            pattern,
            count,
            // A name is no path.
            model: model.replace(['/', '\\', ':'], "-"),
            date: jiff::ZonedDateTime::now().date().to_string(),
            first: is_folder.then(|| next_number(output)),
        })
    }

    /// The file of image `index`.
    pub fn file(&self, index: u64, seed: u64) -> PathBuf {
        // Names that are not Unicode have no places.
        let Some(pattern) = self.pattern.to_str() else { return numbered(&self.pattern, index, self.count) };
        let number = self.first.map_or_else(|| index.to_string(), |first| format!("{:05}", first + index));
        let values = [seed.to_string(), self.date.clone(), self.model.clone(), number];
        // A model's name may look like a place: each is replaced once.
        let mut file = String::new();
        let mut rest = pattern;
        while let Some((at, place)) = first_place(rest) {
            file += &rest[..at];
            file += &values[place];
            rest = &rest[at + PLACES[place].len()..];
        }
        file += rest;
        let differs = ["{seed}", "{index}"].iter().any(|place| pattern.contains(place));
        if differs { file.into() } else { numbered(Path::new(&file), index, self.count) }
    }
}

/// The first place of a text, and which it is.
fn first_place(text: &str) -> Option<(usize, usize)> {
    let found = PLACES.iter().enumerate().filter_map(|(place, name)| Some((text.find(name)?, place)));
    found.min()
}

/// A word in brackets that stands for nothing.
fn unknown(pattern: &str) -> Option<&str> {
    let mut rest = pattern;
    while let Some(start) = rest.find('{') {
        let word = &rest[start..];
        let end = word.find('}')? + 1;
        let is_word = end > 2 && word[1..end - 1].bytes().all(|byte| byte.is_ascii_lowercase());
        if is_word && !PLACES.contains(&&word[..end]) {
            return Some(&word[..end]);
        }
        rest = &rest[start + 1..];
    }
    None
}

/// The number after the largest of a folder's images.
fn next_number(folder: &Path) -> u64 {
    let number = |name: String| name.split_once('-')?.0.parse::<u64>().ok();
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let largest = entries.filter_map(|entry| number(entry.file_name().into_string().ok()?)).max();
    largest.map_or(0, |largest| largest.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(output: &str, count: u64) -> Vec<String> {
        let naming = Naming::new("--output", Path::new(output), count, "sd/1:5").unwrap();
        (0..count).map(|index| naming.file(index, 40 + index).display().to_string()).collect()
    }

    #[test]
    fn places_stand_for_the_image() {
        assert_eq!(names("{seed}.png", 2), ["40.png", "41.png"]);
        assert_eq!(names("a-{index}.webp", 2), ["a-0.webp", "a-1.webp"]);
        assert_eq!(names("{model}.jpg", 2), ["sd-1-5-0.jpg", "sd-1-5-1.jpg"]);
        assert_eq!(names("{model}-{seed}.jpg", 1), ["sd-1-5-40.jpg"]);
        let today = jiff::ZonedDateTime::now().date().to_string();
        assert!(names("{date}.png", 1)[0].starts_with(&today[..8]));
    }

    #[test]
    fn other_names_stay_and_are_numbered() {
        assert_eq!(names("out.png", 1), ["out.png"]);
        assert_eq!(names("out.png", 2), ["out-0.png", "out-1.png"]);
        assert_eq!(names("{1}{}.png", 1), ["{1}{}.png"]);
    }

    #[test]
    fn a_value_is_no_pattern() {
        let naming = Naming::new("--output", Path::new("{model}-{seed}.png"), 1, "{seed}").unwrap();
        assert_eq!(naming.file(0, 7), Path::new("{seed}-7.png"));
    }

    #[test]
    fn an_unknown_place_is_refused() {
        let failure = Naming::new("--output", Path::new("{sampler}.png"), 1, "").err().unwrap();
        assert_eq!(
            failure.to_string(),
            "--output {sampler}.png: {sampler} is unknown; there are {seed}, {date}, {model}, {index}"
        );
    }

    #[test]
    fn a_folder_goes_on_counting() {
        let folder = tempfile::tempdir().unwrap();
        let name = |index: u64, seed| {
            let naming = Naming::new("--output", folder.path(), 2, "m").unwrap();
            naming.file(index, seed).file_name().unwrap().to_string_lossy().into_owned()
        };
        assert_eq!(name(1, 6), "00001-6.png");
        std::fs::write(folder.path().join("00041-5.png"), "").unwrap();
        std::fs::write(folder.path().join("notes-1.txt"), "").unwrap();
        assert_eq!(name(0, 5), "00042-5.png");
    }
}
