//! Flags of `sd generate` about images that steer a drawing: control networks and image prompts.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use sd_pipeline::{
    ControlFile, ControlImage, ControlKind, ControlMode, DType, Image, ImageAdapterFile, ImageLayers, ImagePrompt,
    Init, Inpaint, Mask, Model, Preprocessor, Request,
};

use crate::assignments::Assignments;
use crate::builtin;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::flag_names::with_flags;
use crate::model::locate;
use crate::progress::Progress;

/// Images that steer the drawing.
#[derive(clap::Args)]
#[command(next_help_heading = "Control")]
pub struct SteeringFlags {
    #[arg(
        long,
        value_name = "[model=PATH|NAME,]image=FILE[,KEY=VALUE...]",
        help = "Steer the drawing by an image through a ControlNet or a T2I-Adapter; may be repeated",
        long_help = CONTROL
    )]
    control: Vec<ControlText>,
    /// Let the control networks guess: they steer only the prediction for the prompt, which may be empty, and weakly where they are fine
    #[arg(long, requires = "control")]
    guess_mode: bool,
    #[arg(
        long,
        value_name = "model=PATH|NAME,image=FILE[,KEY=VALUE...]",
        help = "Follow an image as if it were a prompt, with an IP-Adapter; may be repeated",
        long_help = IMAGE_PROMPT
    )]
    image_prompt: Vec<PromptText>,
}

const CONTROL: &str = "\
Steer the drawing by an image through a ControlNet or a T2I-Adapter; may be repeated

model=PATH|NAME     the network: a folder, a file, or a name on the hub; its tensors tell what it is [default, for the built-in model: its \
own network, which reads the edges of canny]
image=FILE          the image; without it, --init-image
preprocess=NAME     what to make of the image first, such as canny or canny:50:150 (see `sd preprocess --help`); without it, the image \
is ready for the network
type=NAME           what the image shows, for a union network: canny, depth, pose, ...
scale=F             factor on the network's outputs [default: 1]
start=F, end=F      shares of the steps between which it counts [default: 0 and 1]
mode=NAME           balanced, prompt (the prompt counts more) or control (the image does)

An image of another size than the drawing is resized as --resize says. docs/control.md has more.";

const IMAGE_PROMPT: &str = "\
Follow an image as if it were a prompt, with an IP-Adapter; may be repeated

model=PATH|NAME     the adapter's file, or its name on the hub
image=FILE          the image; several are read together
encoder=PATH        CLIP's image encoder [default: the folder image_encoder beside the adapter, or of the model]
scale=F             factor on the attention to the image [default: 1]
mask=FILE           where the image counts: white
start=F, end=F      shares of the steps between which it counts [default: 0 and 1]
layers=NAME         all, style or composition";

/// A `--control`.
#[derive(Debug, Clone, PartialEq)]
struct ControlText {
    /// None is the network of the built-in model.
    model: Option<PathBuf>,
    image: Option<PathBuf>,
    /// All else.
    control: ControlImage,
}

/// An `--image-prompt`.
#[derive(Debug, Clone, PartialEq)]
struct PromptText {
    model: PathBuf,
    encoder: Option<PathBuf>,
    images: Vec<PathBuf>,
    mask: Option<PathBuf>,
    /// All else.
    prompt: ImagePrompt,
}

const NUMBER: &str = "a number";

impl FromStr for ControlText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const KEYS: [&str; 8] = ["model", "image", "preprocess", "type", "scale", "start", "end", "mode"];
        let mut parts = Assignments::parse(text, &KEYS)?;
        let default = ControlImage::default();
        Ok(Self {
            model: parts.one("model")?.map(PathBuf::from),
            image: parts.one("image")?.map(PathBuf::from),
            control: ControlImage {
                preprocess: match parts.one("preprocess")? {
                    Some(name) => name.parse::<Preprocessor>().map_err(|error| error.to_string())?,
                    None => default.preprocess,
                },
                kind: parts.one("type")?,
                scale: parts.parsed("scale", NUMBER)?.unwrap_or(default.scale),
                start: parts.parsed("start", NUMBER)?.unwrap_or(default.start),
                end: parts.parsed("end", NUMBER)?.unwrap_or(default.end),
                mode: parts.parsed("mode", "balanced, prompt or control")?.unwrap_or(ControlMode::default()),
                ..default
            },
        })
    }
}

impl FromStr for PromptText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const KEYS: [&str; 8] = ["model", "image", "encoder", "scale", "mask", "start", "end", "layers"];
        let mut parts = Assignments::parse(text, &KEYS)?;
        let default = ImagePrompt::default();
        let images: Vec<PathBuf> = parts.all("image").into_iter().map(PathBuf::from).collect();
        if images.is_empty() {
            return Err("image= is missing".into());
        }
        Ok(Self {
            model: parts.needed("model")?.into(),
            encoder: parts.one("encoder")?.map(PathBuf::from),
            images,
            mask: parts.one("mask")?.map(PathBuf::from),
            prompt: ImagePrompt {
                scale: parts.parsed("scale", NUMBER)?.unwrap_or(default.scale),
                start: parts.parsed("start", NUMBER)?.unwrap_or(default.start),
                end: parts.parsed("end", NUMBER)?.unwrap_or(default.end),
                layers: parts.parsed("layers", "all, style or composition")?.unwrap_or(ImageLayers::default()),
                ..default
            },
        })
    }
}

impl SteeringFlags {
    /// Opens the networks and the images, and adds them to the model and to the request. No weights are read.
    pub fn add_to(
        &self,
        request: &mut Request,
        model: &mut Model,
        is_builtin: bool,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        request.guess_mode = self.guess_mode;
        for control in &self.control {
            let control = control.opened(model, is_builtin, progress, cancel);
            request.controls.push(control.map_err(|error| error.with_flag("--control"))?);
        }
        for prompt in &self.image_prompt {
            let prompt = prompt.opened(model, progress, cancel).map_err(|error| error.with_flag("--image-prompt"))?;
            request.image_prompts.push(prompt);
        }
        Ok(())
    }

    /// Says which images have another size than the drawing, unless they are cut or extended like the initial image.
    pub fn tell_sizes(request: &Request, size: (usize, usize), progress: &Progress) {
        let is_part = |inpaint: &Inpaint| inpaint.only_masked.is_some();
        let initial = match &request.init {
            Some(Init::Image(image)) if request.outpaint.is_some() || request.inpaint.as_ref().is_some_and(is_part) => {
                Some((image.width, image.height))
            }
            _ => None,
        };
        for image in request.controls.iter().filter_map(|control| control.image.as_ref()) {
            let found = (image.width, image.height);
            if found != size && Some(found) != initial {
                let ((width, height), (wide, high)) = (size, found);
                progress.warn(&format!("--control: the image of {wide}×{high} is resized to {width}×{height}"));
            }
        }
    }
}

impl ControlText {
    fn opened(
        &self,
        model: &mut Model,
        is_builtin: bool,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<ControlImage, Failure> {
        let file = match &self.model {
            Some(path) => ControlFile::open(locate("--control", path, progress, cancel)?)?,
            None if is_builtin => builtin::control()?,
            None => return Err(Failure::usage("model= is missing: name a control network".into())),
        };
        if !model.controls().iter().any(|known| known.path() == file.path()) {
            tell(&file.name(), &file.kind(), file.elements(), runs(&file), progress);
            file.notes().iter().for_each(|note| progress.warn(&with_flags(note)));
        }
        let network = model.add_control(file)?;
        let image = self.image.as_ref().map(Image::read).transpose()?;
        Ok(ControlImage { network, image, ..self.control.clone() })
    }
}

impl PromptText {
    fn opened(&self, model: &mut Model, progress: &mut Progress, cancel: &Cancel) -> Result<ImagePrompt, Failure> {
        let mut find = |path: &PathBuf| locate("--image-prompt", path, progress, cancel);
        let encoder = self.encoder.as_ref().map(&mut find).transpose()?;
        let file = ImageAdapterFile::open(find(&self.model)?, encoder.as_deref())?;
        tell(&file.name(), &file.kind(), file.elements(), "once", progress);
        let adapter = model.add_image_adapter(file)?;
        let images = self.images.iter().map(Image::read).collect::<Result<_, _>>()?;
        let mask = self.mask.as_ref().map(Mask::read).transpose()?;
        Ok(ImagePrompt { adapter, images, mask, ..self.prompt.clone() })
    }
}

/// How often a control network runs.
fn runs(file: &ControlFile) -> &'static str {
    if file.kind() == ControlKind::Adapter { "once" } else { "beside the U-Net at every step" }
}

/// Tells the memory of each network that steers a model's drawings, and how often it runs.
pub fn tell_needs(model: &Model, dtype: DType, progress: &Progress) {
    for file in model.controls() {
        progress.need_of(&file.name(), file.elements() * dtype.bytes(), runs(file));
    }
    for file in model.image_adapters() {
        progress.need_of(&file.name(), file.elements() * dtype.bytes(), "once");
    }
}

/// Says what a file is, how large, and how often it runs.
fn tell(name: &str, kind: &dyn Display, weights: usize, runs: &str, progress: &Progress) {
    progress.note(&format!("{name}: {kind} of {:.1} million weights, runs {runs}", weights as f64 / 1e6));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_is_told_by_its_keys() {
        let found: ControlText =
            "model=a/b,image=c.png,scale=0.5,start=0.1,end=0.8,mode=prompt,type=depth".parse().unwrap();
        assert_eq!((found.model, found.image), (Some("a/b".into()), Some("c.png".into())));
        let expected = ControlImage {
            kind: Some("depth".into()),
            scale: 0.5,
            start: 0.1,
            end: 0.8,
            mode: ControlMode::Prompt,
            ..ControlImage::default()
        };
        assert_eq!(found.control, expected);
        assert_eq!("image=c.png".parse::<ControlText>().unwrap().model, None);
        for wrong in ["a/b", "model=a,scale=big", "model=a,mode=strong", "model=a,preprocess=magic"] {
            assert!(wrong.parse::<ControlText>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_image_prompt_may_have_several_images() {
        let found: PromptText = "model=a,image=b.png,image=c.png,layers=style".parse().unwrap();
        assert_eq!(found.images, [PathBuf::from("b.png"), "c.png".into()]);
        assert_eq!(found.prompt.layers, ImageLayers::Style);
        assert!("model=a".parse::<PromptText>().is_err() && "model=a,image=b,layers=x".parse::<PromptText>().is_err());
    }
}
