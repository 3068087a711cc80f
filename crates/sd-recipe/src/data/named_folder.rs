use std::path::Path;

/// What the name of an image's folder says in kohya's programs: `10_cat` is shown 10 times in an epoch, and `cat` is the caption
/// of images without one.
#[derive(Debug, PartialEq)]
pub(super) struct NamedFolder {
    pub repeats: usize,
    pub caption: String,
}

impl NamedFolder {
    /// Reads the name of the folder of an image; none if it has no number above 0 in front of an underscore.
    pub fn of(image: &Path) -> Option<Self> {
        let (repeats, caption) = image.parent()?.file_name()?.to_str()?.split_once('_')?;
        let repeats = repeats.parse().ok().filter(|repeats| *repeats > 0)?;
        Some(Self { repeats, caption: caption.trim().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_caption_are_read() {
        let named = |path: &str| NamedFolder::of(Path::new(path)).map(|named| (named.repeats, named.caption));
        assert_eq!(named("images/10_my cat/a.png"), Some((10, "my cat".into())));
        assert_eq!(named("images/3_/a.png"), Some((3, String::new())));
        for other in ["images/a.png", "images/cat_10/a.png", "images/0_cat/a.png", "10_cat.png"] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
