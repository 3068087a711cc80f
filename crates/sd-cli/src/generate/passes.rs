//! What follows the first drawing: a second one at a larger size, and the last steps with XL's refiner.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;

use sd_pipeline::{
    Choices, DType, Device, DeviceInfo, Error, GeneratedImage, Hires, Init, Latents, Model, Pipeline, Plan, Request,
    Step, Upscaler,
};
use sd_upscale::{Tile, Upscaler as Network, UpscalerFile};
use serde_json::json;

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::model::open_model;
use crate::progress::Progress;

/// Further passes over an image.
#[derive(clap::Args)]
#[command(next_help_heading = "Further passes")]
pub struct PassFlags {
    /// Enlarge the finished image by this factor, or to this size, and draw it again with the same seed
    #[arg(long, value_name = "FACTOR|WxH", conflicts_with = "init_image")]
    hires: Option<Target>,
    /// Steps of --hires, of which --hires-strength is made [default: --steps]
    #[arg(long, value_name = "N", requires = "hires")]
    hires_steps: Option<usize>,
    /// How much --hires changes, above 0 and up to 1
    #[arg(long, value_name = "F", default_value_t = 0.7, requires = "hires", allow_hyphen_values = true)]
    hires_strength: f64,
    /// How --hires enlarges the image: lanczos, latent, latent-antialiased, or the file of an upscaling network, as for `sd upscale`
    #[arg(long, value_name = "HOW|FILE", default_value = "lanczos", requires = "hires")]
    hires_upscaler: Enlarge,
    /// XL's refiner, which makes the last steps: a folder, a single file, or a name on the hub
    #[arg(long, value_name = "PATH|NAME")]
    refiner: Option<PathBuf>,
    /// The share of the noise levels after which the refiner takes over, between 0 and 1
    #[arg(long, value_name = "F", default_value_t = 0.8, requires = "refiner", allow_hyphen_values = true)]
    refiner_start: f64,
}

/// A factor, or a width and a height.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Factor(f64),
    Size(usize, usize),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = || {
            let (width, height) = text.split_once(['x', '×'])?;
            Some(Self::Size(width.parse().ok()?, height.parse().ok()?))
        };
        let factor = || text.parse().ok().filter(|factor| (1.0..=16.0).contains(factor)).map(Self::Factor);
        size()
            .or_else(factor)
            .ok_or_else(|| "expected a factor from 1 to 16, such as 2, or a size such as 1024x768".into())
    }
}

/// A way to enlarge an image: one of the library's, or an upscaling network.
#[derive(Debug, Clone, PartialEq)]
enum Enlarge {
    With(Upscaler),
    File(PathBuf),
}

impl FromStr for Enlarge {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "lanczos" => Self::With(Upscaler::Lanczos),
            "latent" => Self::With(Upscaler::Latent),
            "latent-antialiased" => Self::With(Upscaler::LatentAntialiased),
            file => Self::File(file.into()),
        })
    }
}

/// The passes that follow the first.
pub struct Passes<M, U> {
    hires: Option<(Hires, Plan)>,
    upscaler: Option<U>,
    refiner: Option<(M, Plan)>,
}

/// Passes whose networks are not yet loaded.
pub type Planned = Passes<Model, UpscalerFile>;
/// Passes that are ready to be drawn.
pub type Loaded = Passes<Pipeline, Network>;

impl Planned {
    /// Opens the refiner, and plans all passes; returns the plan of the first, too.
    pub fn plan(
        flags: &PassFlags,
        model: &Model,
        request: &Request,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<(Plan, Self), Failure> {
        let open = |path: &PathBuf| open_model(path, &Choices::default(), progress, cancel);
        let refiner = flags.refiner.as_ref().map(open).transpose()?;
        let until_refiner = Request { denoising_end: refiner.as_ref().map(|_| flags.refiner_start), ..request.clone() };
        let first = Plan::new(model, if flags.hires.is_some() { request } else { &until_refiner });
        let first = first.map_err(|error| of_refiner(error, flags))?;
        let hires = match flags.hires {
            None => None,
            Some(target) => {
                let hires = flags.hires(target, &first, model);
                Some((hires, hires.plan(model, &until_refiner).map_err(of_second_pass)?))
            }
        };
        let refiner = match refiner {
            None => None,
            Some(refiner) => {
                let before = hires.as_ref().map_or(&first, |(_, plan)| plan);
                let plan = flags.plan_refiner(&refiner, request, before)?;
                Some((refiner, plan))
            }
        };
        let upscaler = match &flags.hires_upscaler {
            Enlarge::File(file) => {
                Some(Network::open(file).map_err(|error| Failure::from(error).with_flag("--hires-upscaler"))?)
            }
            Enlarge::With(_) => None,
        };
        Ok((first, Self { hires, upscaler, refiner }))
    }

    /// The plans of these passes, each with its model.
    pub fn plans<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = (&'a Model, &'a Plan)> {
        let hires = self.hires.iter().map(move |(_, plan)| (model, plan));
        hires.chain(self.refiner.iter().map(|(model, plan)| (model, plan)))
    }

    /// Makes the autoencoders work in bands of rows where the memory is too small for whole images.
    pub fn tile_if_needed(&mut self, model: &Model, dtype: DType, device: &DeviceInfo) {
        if let Some((_, plan)) = &mut self.hires {
            plan.tile_if_needed(model, dtype, device);
        }
        if let Some((refiner, plan)) = &mut self.refiner {
            plan.tile_if_needed(refiner, dtype, device);
        }
    }

    /// Loads the networks.
    pub fn load(self, device: &Device, dtype: DType) -> Result<Loaded, Failure> {
        let load = |(model, plan)| Ok::<_, Error>((Pipeline::load(model, device, dtype)?, plan));
        let upscaler = self.upscaler.map(|file| file.load(device, dtype)).transpose()?;
        Ok(Passes { hires: self.hires, upscaler, refiner: self.refiner.map(load).transpose()? })
    }
}

impl Loaded {
    /// Draws all passes of an image. What a refiner continues is not decoded.
    pub fn draw(
        &self,
        pipeline: &Pipeline,
        first: &Plan,
        cancel: &Cancel,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<GeneratedImage, Failure> {
        let mut last = first.clone();
        if let Some((hires, plan)) = &self.hires {
            let drawn = pipeline.drawing(first).watch(&mut |step| watch(step)).run()?;
            let init = match &self.upscaler {
                Some(upscaler) => {
                    let size = [hires.width, hires.height];
                    Init::Image(upscaler.upscale_to(&drawn.image, size, Tile::Auto, &mut |_| cancel.flow())?)
                }
                None => hires.enlarged(&drawn),
            };
            last = like(plan, first);
            last.init = Some(init);
        }
        let drawing = pipeline.drawing(&last).watch(watch);
        let Some((refiner, plan)) = &self.refiner else { return Ok(drawing.run()?) };
        let latents = drawing.latents()?.remove(0);
        let mut plan = like(plan, first);
        plan.init = Some(Init::Unfinished(latents));
        plan.overlay.clone_from(&first.overlay);
        Ok(refiner.drawing(&plan).watch(watch).run()?)
    }
}

/// A pass over the image of another plan, with its texts and its seed.
fn like(pass: &Plan, first: &Plan) -> Plan {
    let mut plan = pass.clone();
    (plan.seed, plan.prompt) = (first.seed, first.prompt.clone());
    plan.settings.negative_prompt.clone_from(&first.settings.negative_prompt);
    plan
}

impl PassFlags {
    fn hires(&self, target: Target, first: &Plan, model: &Model) -> Hires {
        let sized = match target {
            Target::Factor(factor) => Hires::new(factor, first, model),
            Target::Size(width, height) => Hires { width, height, ..Hires::new(1.0, first, model) },
        };
        let upscaler = match self.hires_upscaler {
            Enlarge::With(upscaler) => upscaler,
            Enlarge::File(_) => Upscaler::Lanczos,
        };
        Hires { steps: self.hires_steps, strength: self.hires_strength, upscaler, ..sized }
    }

    /// Plans the last steps with the refiner, which continue `before`.
    fn plan_refiner(&self, refiner: &Model, request: &Request, before: &Plan) -> Result<Plan, Failure> {
        let shape = before.settings.latent_shape;
        let placeholder = Latents { values: vec![0.0; shape.iter().product()], shape };
        let request = Request {
            sampler: Some(before.settings.sampling.sampler.value),
            steps: Some(before.settings.sampling.steps.value),
            init: Some(Init::Unfinished(placeholder)),
            denoising_start: Some(self.refiner_start),
            width: None,
            height: None,
            latents: None,
            variation: None,
            strength: None,
            regions: before.settings.regions.clone(),
            steps_before: before.settings.steps_before,
            inpaint: None,
            outpaint: None,
            // They belong to the base model.
            controls: Vec::new(),
            guess_mode: false,
            image_prompts: Vec::new(),
            ..request.clone()
        };
        let mut plan = Plan::new(refiner, &request).map_err(|error| of_refiner(error, self))?;
        // Schedules go on where the pass before has left them.
        plan.settings.sampling.whole.clone_from(&before.settings.sampling.whole);
        Ok(plan)
    }

    /// What these passes add to the settings in an image.
    pub fn parameters(&self, passes: &Loaded) -> String {
        let mut text = String::new();
        if let Some((hires, plan)) = &passes.hires {
            let upscaler = match &self.hires_upscaler {
                Enlarge::With(Upscaler::Latent) => "Latent".to_string(),
                Enlarge::With(Upscaler::LatentAntialiased) => "Latent (antialiased)".to_string(),
                Enlarge::With(_) => "Lanczos".to_string(),
                Enlarge::File(file) => json!(file.display().to_string()).to_string(),
            };
            let (width, height, steps) = (hires.width, hires.height, plan.settings.sampling.steps.value);
            let strength = hires.strength;
            text += &format!(
                ", Hires resize: {width}x{height}, Hires steps: {steps}, Hires upscaler: {upscaler}, Denoising strength: {strength}"
            );
        }
        if let Some(refiner) = &self.refiner {
            // A JSON string, because the name may contain commas.
            let name = json!(refiner.display().to_string());
            text += &format!(", Refiner: {name}, Refiner switch at: {}", self.refiner_start);
        }
        text
    }
}

/// An error of the second pass, about the flags that it goes by.
fn of_second_pass(error: Error) -> Failure {
    let text = Failure::from(error);
    text.replaced(&[("--strength", "--hires-strength"), ("--steps", "--hires-steps")])
}

/// An error of a drawing that the refiner ends, about the flags that it goes by.
fn of_refiner(error: Error, flags: &PassFlags) -> Failure {
    let failure = Failure::from(error);
    match flags.refiner {
        Some(_) => {
            failure.replaced(&[("--denoising-start", "--refiner-start"), ("--denoising-end", "--refiner-start")])
        }
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_factor_or_a_size() {
        assert_eq!("2".parse(), Ok(Target::Factor(2.0)));
        assert_eq!("1024x768".parse(), Ok(Target::Size(1024, 768)));
        for wrong in ["", "0.5", "17", "nan", "x", "1024x", "big"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
