//! Flags of `sd generate` about images that steer a drawing: control networks and image prompts.

use std::path::PathBuf;
use std::str::FromStr;

use sd_engine::{Job, NamedAdapter};
use sd_pipeline::{
    ControlFile, ControlImage, ControlKind, ControlMode, DType, Image, ImageLayers, ImagePrompt, Mask, Model,
    Preprocessor,
};

use crate::assignments::Assignments;
use crate::builtin;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::model::locate_name;
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
    /// Reads the images, and adds them and the networks to a job.
    pub fn add_to(
        &self,
        job: &mut Job,
        is_builtin: bool,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        job.request.guess_mode = self.guess_mode;
        for control in &self.control {
            let added = control.add_to(job, is_builtin, progress, cancel);
            added.map_err(|error| error.with_flag("--control"))?;
        }
        for prompt in &self.image_prompt {
            prompt.add_to(job, progress, cancel).map_err(|error| error.with_flag("--image-prompt"))?;
        }
        Ok(())
    }
}

impl ControlText {
    fn add_to(&self, job: &mut Job, is_builtin: bool, progress: &mut Progress, cancel: &Cancel) -> Result<(), Failure> {
        let network = match (&self.model, builtin::model().and_then(|builtin| builtin.control)) {
            (Some(path), _) => locate_name("--control", path, progress, cancel)?,
            (None, Some((name, _))) if is_builtin => name.to_string(),
            (None, _) => return Err(Failure::usage("model= is missing: name a control network".into())),
        };
        let image = self.image.as_ref().map(Image::read).transpose()?;
        job.request.controls.push(ControlImage { network: job.controls.len(), image, ..self.control.clone() });
        job.controls.push(network);
        Ok(())
    }
}

impl PromptText {
    fn add_to(&self, job: &mut Job, progress: &mut Progress, cancel: &Cancel) -> Result<(), Failure> {
        let mut find = |path: &PathBuf| locate_name("--image-prompt", path, progress, cancel);
        let encoder = self.encoder.as_ref().map(&mut find).transpose()?;
        let adapter = NamedAdapter { name: find(&self.model)?, encoder };
        let images = self.images.iter().map(Image::read).collect::<Result<_, _>>()?;
        let mask = self.mask.as_ref().map(Mask::read).transpose()?;
        let prompt = ImagePrompt { adapter: job.image_adapters.len(), images, mask, ..self.prompt.clone() };
        job.request.image_prompts.push(prompt);
        job.image_adapters.push(adapter);
        Ok(())
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
