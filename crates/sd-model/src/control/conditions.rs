//! The conditions of the published ControlNets for several conditions (xinsir's union and ProMax), in the order of their numbers.

use std::path::Path;

use crate::{Field, ModelError};

/// The names of each condition, of which the first is ours.
const CONDITIONS: [&[&str]; 8] = [
    &["openpose", "pose"],
    &["depth"],
    &["softedge", "hed", "pidi", "scribble", "teed", "ted"],
    &["canny", "lineart", "anime_lineart", "mlsd", "hardedge"],
    &["normal"],
    &["segment", "segmentation", "seg"],
    &["tile", "blur"],
    &["repaint", "inpaint", "outpaint"],
];

/// Returns the names of the first `count` conditions.
pub(super) fn names(count: usize) -> Vec<&'static str> {
    CONDITIONS.iter().take(count).map(|names| names[0]).collect()
}

/// Returns the number of a condition of the network at `path`, which has `count`.
pub(super) fn find(count: usize, name: &str, path: &Path) -> Result<usize, ModelError> {
    let refuse = |reason: &str| Err(ModelError::request(Field::Control, format!("{}: {reason}", path.display())));
    if count == 0 {
        return refuse(&format!("it has only one condition: leave out type {name}"));
    }
    let wanted = name.to_lowercase().replace('-', "_");
    let named = CONDITIONS.iter().take(count).position(|names| names.contains(&wanted.as_str()));
    match named.or_else(|| wanted.parse().ok().filter(|number| *number < count)) {
        Some(number) => Ok(number),
        None => refuse(&format!("it has no type {name:?}: choose {}, or 0 to {}", names(count).join(", "), count - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_have_names_and_numbers() {
        let find = |count, name| find(count, name, Path::new("union.safetensors")).map_err(|error| error.to_string());
        assert_eq!(
            (find(6, "Canny"), find(6, "anime-lineart"), find(8, "tile"), find(8, "7")),
            (Ok(3), Ok(3), Ok(6), Ok(7))
        );
        let error = find(6, "tile").unwrap_err();
        assert!(
            error.contains("no type \"tile\": choose openpose, depth, softedge, canny, normal, segment, or 0 to 5"),
            "{error}"
        );
        assert!(find(0, "canny").unwrap_err().contains("only one condition"));
        assert_eq!(names(6).len(), 6);
    }
}
