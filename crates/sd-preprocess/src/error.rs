use crate::Preprocessor;

/// Why an image cannot be preprocessed: one line that names the culprit and the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessError {
    /// There is no such preprocessor.
    #[error("unknown preprocessor `{name}`: there are {}", names())]
    Unknown {
        /// Its name.
        name: String,
    },
    /// The preprocessor is a network itself.
    #[error("`{name}` needs a network of its own, which is not built in: {}", remedy(*.instead))]
    NeedsNetwork {
        /// Its name.
        name: String,
        /// A preprocessor of a similar kind.
        instead: Option<&'static str>,
    },
    /// There are more or fewer numbers than the preprocessor has.
    #[error("`{found}`: write it as `{expected}`")]
    Count {
        /// The preprocessor as it was written.
        found: String,
        /// How it is to be written.
        expected: String,
    },
    /// A number is out of its range, or no number.
    #[error("`{preprocessor}`: the {number} is {found}, expected {expected}")]
    Number {
        /// The preprocessor's name.
        preprocessor: &'static str,
        /// The number's name.
        number: &'static str,
        /// What it is.
        found: String,
        /// The range.
        expected: &'static str,
    },
    /// The thresholds of Canny's edges are the wrong way round.
    #[error("`canny:{low}:{high}`: the first threshold is above the second: swap them")]
    Thresholds {
        /// The first.
        low: u8,
        /// The second.
        high: u8,
    },
    /// There is no mask where one is needed.
    #[error("`inpaint` needs a mask: white is the part to draw")]
    MissingMask,
    /// There is a mask where none is used.
    #[error("`{name}` uses no mask: leave it out, or take `inpaint`")]
    UnusedMask {
        /// The preprocessor's name.
        name: &'static str,
    },
    /// The mask is not as large as the image.
    #[error("the mask is {}×{}, but the image is {}×{}: make them of one size", mask.0, mask.1, image.0, image.1)]
    MaskSize {
        /// Width and height of the mask.
        mask: (usize, usize),
        /// Width and height of the image.
        image: (usize, usize),
    },
}

fn names() -> String {
    let [others @ .., last] = Preprocessor::ALL.map(|entry| entry.name);
    format!("{} and {last}", others.join(", "))
}

fn remedy(instead: Option<&str>) -> String {
    let or = instead.map(|name| format!(", or take `{name}`")).unwrap_or_default();
    format!("make its image with another program and use it with `none`{or}")
}
