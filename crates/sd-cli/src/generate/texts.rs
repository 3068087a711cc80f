//! Flags of `sd generate` about texts: their syntax, regions, and sizes.

use std::path::Path;
use std::str::FromStr;

use sd_pipeline::{Area, Field, Mask, Region, RegionalPrompt, Request, RequestError, Sizes, Syntax};

use crate::failure::Failure;

/// How prompts are read.
#[derive(clap::Args)]
#[command(next_help_heading = "Prompts")]
pub struct TextFlags {
    #[arg(
        long,
        value_name = "SYNTAX",
        default_value_t = Syntax::default(),
        help = "How prompts are written: a1111, comfy or plain",
        long_help = SYNTAXES
    )]
    prompt_syntax: Syntax,
    /// Prompt for a part of the image: a rectangle in pixels, or the white part of a mask image; may be repeated
    ///
    /// With a weight below 1, --prompt has the rest.
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT|FILE:PROMPT[:WEIGHT]", allow_hyphen_values = true)]
    region: Vec<RegionText>,
    /// Layer of the text encoder to read, counted from the last, 1; many models of drawings want 2
    #[arg(long, value_name = "N")]
    clip_skip: Option<usize>,
    /// For XL: size of the photograph that the image could come from; a small one looks blurred [default: the image's]
    #[arg(long, value_name = "WxH")]
    original_size: Option<Pair>,
    /// For XL: pixels that were cut off at its left and top edges [default: 0,0]
    #[arg(long, value_name = "X,Y")]
    crop: Option<Pair>,
    /// For XL: size that it was cropped to [default: the image's]
    #[arg(long, value_name = "WxH")]
    target_size: Option<Pair>,
    /// As --original-size, for the negative prompt
    #[arg(long, value_name = "WxH")]
    negative_original_size: Option<Pair>,
    /// As --crop, for the negative prompt
    #[arg(long, value_name = "X,Y")]
    negative_crop: Option<Pair>,
    /// As --target-size, for the negative prompt
    #[arg(long, value_name = "WxH")]
    negative_target_size: Option<Pair>,
}

const SYNTAXES: &str = "\
How prompts are written: a1111, comfy or plain

a1111: (word) or (word:1.3) for more weight, [word] for less, BREAK, AND, [from:to:0.5], [a|b], <lora:NAME:0.8>. comfy: weights in round \
brackets, embedding:NAME. plain: no syntax, cut at 75 tokens, as diffusers does. docs/prompts.md has all of it.";

/// `1024x768`, or `16,0`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair((usize, usize));

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = text.split_once(['x', '×', ',']);
        let pair = pair.and_then(|(x, y)| x.trim().parse().ok().zip(y.trim().parse().ok()));
        pair.map(Self).ok_or_else(|| "expected two whole numbers, such as 1024x768".into())
    }
}

/// `0,0,256,512:a tree:0.8`, or `mask.png:a tree`.
#[derive(Debug, Clone, PartialEq)]
struct RegionText {
    place: Place,
    prompt: String,
    weight: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    Rectangle(Region),
    File(String),
}

impl FromStr for RegionText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected X,Y,WIDTH,HEIGHT:PROMPT or FILE:PROMPT, such as \"0,0,256,512:a tree\"";
        // A drive letter is part of a path.
        let from = if text.get(1..3) == Some(":\\") { 2 } else { 0 };
        let colon = text[from..].find(':').ok_or(expected)? + from;
        let (place, prompt) = (&text[..colon], &text[colon + 1..]);
        let weight = prompt.rsplit_once(':').and_then(|(prompt, weight)| Some((prompt, weight.trim().parse().ok()?)));
        let (prompt, weight) = weight.unwrap_or((prompt, 1.0));
        let numbers: Option<Vec<usize>> = place.split(',').map(|number| number.trim().parse().ok()).collect();
        let place = match numbers.as_deref() {
            Some(&[x, y, width, height]) => {
                let region =
                    Region { left: x, top: y, right: x.saturating_add(width), bottom: y.saturating_add(height) };
                Place::Rectangle(region)
            }
            Some(_) => return Err(expected.into()),
            None => Place::File(place.into()),
        };
        Ok(Self { place, prompt: prompt.into(), weight })
    }
}

impl TextFlags {
    /// Adds the flags to a request.
    pub fn add_to(&self, request: &mut Request) -> Result<(), Failure> {
        request.prompt_syntax = self.prompt_syntax;
        request.clip_skip = self.clip_skip;
        request.regions = self.region.iter().map(RegionText::regional).collect::<Result<_, _>>()?;
        let pair = |pair: Option<Pair>| pair.map(|Pair(pair)| pair);
        request.sizes = Sizes {
            original: pair(self.original_size),
            crop: pair(self.crop),
            target: pair(self.target_size),
            negative_original: pair(self.negative_original_size),
            negative_crop: pair(self.negative_crop),
            negative_target: pair(self.negative_target_size),
        };
        Ok(())
    }
}

impl RegionText {
    fn regional(&self) -> Result<RegionalPrompt, Failure> {
        let area = match &self.place {
            Place::Rectangle(region) => Area::Pixels(*region),
            Place::File(file) => {
                let mask = Mask::read(Path::new(file));
                Area::Mask(mask.map_err(|error| RequestError::new(Field::Region, error.to_string()))?)
            }
        };
        Ok(RegionalPrompt { prompt: self.prompt.clone(), area, weight: self.weight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_rectangle_or_a_file_with_a_prompt() {
        let parse = |text: &str| text.parse::<RegionText>();
        let rectangle = Place::Rectangle(Region { left: 0, top: 8, right: 16, bottom: 40 });
        let found = parse("0,8,16,32:a tree").unwrap();
        assert_eq!(found, RegionText { place: rectangle.clone(), prompt: "a tree".into(), weight: 1.0 });
        let found = parse("0,8,16,32:a (red:1.2) tree:0.5").unwrap();
        assert_eq!(found, RegionText { place: rectangle, prompt: "a (red:1.2) tree".into(), weight: 0.5 });
        assert_eq!(parse("mask.png:a: b").unwrap().prompt, "a: b");
        assert_eq!(parse("C:\\mask.png:sky").unwrap().place, Place::File("C:\\mask.png".into()));
        assert!(parse("a tree").is_err() && parse("1,2,3:a tree").is_err());
    }
}
