use crate::Preprocessor;

/// A preprocessor as help lists it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What AUTOMATIC1111 and others call it, which is understood too.
    pub aliases: &'static [&'static str],
    /// Names of the numbers, in their order.
    pub numbers: &'static [&'static str],
    /// The preprocessor that the bare name means.
    pub default: Preprocessor,
    /// What it makes of an image, in a line without a full stop.
    pub about: &'static str,
}

impl Entry {
    /// Returns the name with its numbers: `canny[:LOW:HIGH]`.
    pub fn usage(&self) -> String {
        if self.numbers.is_empty() {
            return self.name.into();
        }
        format!("{}[:{}]", self.name, self.numbers.join(":").to_uppercase())
    }
}

impl Preprocessor {
    /// Every preprocessor.
    pub const ALL: [Entry; 12] = [
        Entry {
            name: "none",
            aliases: &[],
            numbers: &[],
            default: Self::None,
            about: "the image as it is: for hints that are ready, such as depths, poses or drawn edges",
        },
        Entry {
            name: "canny",
            aliases: &[],
            numbers: &["low", "high"],
            default: Self::Canny { low: 100, high: 200 },
            about: "white edges on black; the numbers are thresholds of steepness, 0 to 255: lower finds more edges",
        },
        Entry {
            name: "scribble",
            aliases: &["scribble-xdog", "xdog"],
            numbers: &["threshold"],
            default: Self::Scribble { threshold: 32 },
            about: "thick white strokes where the image has dark lines; a lower threshold, 0 to 255, draws more of them",
        },
        Entry {
            name: "lineart-standard",
            aliases: &[],
            numbers: &[],
            default: Self::LineartStandard,
            about: "soft white lines on black, of a drawing with dark lines on white",
        },
        Entry {
            name: "threshold",
            aliases: &[],
            numbers: &["level"],
            default: Self::Threshold { level: 127 },
            about: "white where red, green and blue are above a level of 0 to 255, else black",
        },
        Entry {
            name: "blur",
            aliases: &["blur-gaussian", "gaussian"],
            numbers: &["sigma"],
            default: Self::Blur { sigma: 9.0 },
            about: "a Gaussian blur; the number is its standard deviation in pixels, up to 64",
        },
        Entry {
            name: "tile",
            aliases: &["tile-resample"],
            numbers: &["factor"],
            default: Self::Tile { factor: 4.0 },
            about: "the image without its details: made so many times smaller, 1 to 64, and enlarged again",
        },
        Entry {
            name: "colour",
            aliases: &["color", "t2ia-color-grid"],
            numbers: &[],
            default: Self::Colour,
            about: "squares of 64x64 pixels of one colour each",
        },
        Entry {
            name: "invert",
            aliases: &[],
            numbers: &[],
            default: Self::Invert,
            about: "black for white and white for black: for ready hints with black lines on white",
        },
        Entry {
            name: "luminance",
            aliases: &["recolor-luminance", "recolour-luminance"],
            numbers: &["gamma"],
            default: Self::Luminance { gamma: 1.0 },
            about: "grey, by the lightness that eyes see; the number is an exponent, up to 10: above 1 is darker",
        },
        Entry {
            name: "intensity",
            aliases: &["recolor-intensity", "recolour-intensity"],
            numbers: &["gamma"],
            default: Self::Intensity { gamma: 1.0 },
            about: "grey, by the largest of red, green and blue; the number is an exponent, as of luminance",
        },
        Entry {
            name: "inpaint",
            aliases: &["inpaint-only", "inpaint-global-harmonious"],
            numbers: &[],
            default: Self::Inpaint,
            about: "the image with -1 where the mask is white; the network draws that part",
        },
    ];

    /// Returns the preprocessor's line in the list.
    pub fn entry(&self) -> &'static Entry {
        let kind = std::mem::discriminant(self);
        let entry = const { &Self::ALL }.iter().find(|entry| std::mem::discriminant(&entry.default) == kind);
        entry.expect("every preprocessor is in the list")
    }
}
