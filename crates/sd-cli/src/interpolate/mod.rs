mod end;

use std::path::{Path, PathBuf};

use sd_image::sheet;
use sd_metadata::Parameters;
use sd_pipeline::{Error, FreshNoise, Image, Latents, Model, Pipeline, Plan, Request};

use crate::cancel::Cancel;
use crate::driver;
use crate::failure::Failure;
use crate::outputs::{check_file, check_image, is_stdout, numbered};
use crate::print::leave_stdout;
use crate::progress::Progress;
use crate::session::SessionFlags;
use end::End;

/// Draw the images between two: of two seeds, or of two inverted images.
///
/// The noise moves along the arc from one to the other. The first and the last frame are the images of --from and --to, as
/// `sd generate` draws them.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    /// First noise: a seed, or a safetensors file of `sd invert`
    #[arg(long, value_name = "SEED|FILE", allow_hyphen_values = true)]
    from: End,
    /// Last noise: likewise
    #[arg(long, value_name = "SEED|FILE", allow_hyphen_values = true)]
    to: End,
    #[command(flatten)]
    session: SessionFlags,
    /// What the images should show; may be empty; not for models without text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Number of frames, with both ends
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u64).range(2..))]
    frames: u64,
    /// Sampler without fresh noise; see `sd samplers`
    #[arg(long, value_name = "NAME", default_value = "ddim")]
    sampler: String,
    /// Sampling steps [default: 50, built-in model: 25]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Guidance scale [default: 7.5, XL: 5, built-in model: 3]; for inverted images that of `sd invert`, mostly 1
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    guidance: Option<f64>,
    /// Output files, .png, .jpg or .webp: out-0.png, out-1.png, ...
    #[arg(long, value_name = "FILE", default_value = "out.png")]
    output: PathBuf,
    /// Write one image with all frames in a row
    #[arg(long)]
    sheet: bool,
}

const EXAMPLES: &str = "\
Examples:
  sd interpolate --from 1 --to 2 --prompt \"a red house by the sea\" --sheet
  sd interpolate --from 1 --to 2 --prompt \"a red house by the sea\" --frames 30 --output frame.png
  sd interpolate --from a.safetensors --to b.safetensors --prompt \"a red house\" --steps 100 --guidance 1

Exit codes: 0 drawn, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Draws the frames.
pub fn run(args: &Args) -> Result<(), Failure> {
    // Mistakes in the flags, the files and the machine are found before the weights are read.
    if is_stdout(&args.file(0)) {
        leave_stdout();
    }
    args.check_output()?;
    let latents = [args.from.read("--from")?, args.to.read("--to")?];
    let mut session = args.session.open()?;
    let model = session.model()?;
    let shape = args.shape(model, &latents)?;
    let [from, to] = latents;
    let plans = [args.plan(model, &args.from, from, shape)?, args.plan(model, &args.to, to, shape)?];
    session.check(&plans[0])?;
    session.run(|pipeline, progress, cancel| args.draw(pipeline, &plans, progress, cancel))
}

impl Args {
    /// Checks that the outputs can be written, before an hour of work is lost.
    fn check_output(&self) -> Result<(), Failure> {
        let first = check_file("--output", &self.file(0))?;
        check_file("--output", &self.file(self.frames - 1))?;
        check_image("--output", &self.output, &first)
    }

    /// The file of a frame.
    fn file(&self, frame: u64) -> PathBuf {
        if self.sheet { self.output.clone() } else { numbered(&self.output, frame, self.frames) }
    }

    /// The shape of all latents: that of the files, or else the model's own.
    fn shape(&self, model: &Model, latents: &[Option<Latents>; 2]) -> Result<[usize; 4], Failure> {
        let (width, height) = model.default_size();
        let given = latents.iter().flatten().next();
        let Some([_, _, rows, columns]) = given.map(|latents| latents.shape) else {
            return Ok(model.latent_shape(width, height));
        };
        let factor = model.scale_factor();
        let expected = model.latent_shape(columns.saturating_mul(factor), rows.saturating_mul(factor));
        for (flag, end, latents) in [("--from", &self.from, &latents[0]), ("--to", &self.to, &latents[1])] {
            if let Some(shape) = latents.as_ref().map(|latents| latents.shape).filter(|shape| *shape != expected) {
                let reason = format!("its `latents` is {shape:?}, expected {expected:?}");
                return Err(Failure::usage(format!("{flag} {}: {reason}", end.describe())));
            }
        }
        Ok(expected)
    }

    /// The plan of an end.
    fn plan(&self, model: &Model, end: &End, latents: Option<Latents>, shape: [usize; 4]) -> Result<Plan, Failure> {
        let factor = model.scale_factor();
        let request = Request {
            prompt: self.prompt.clone(),
            width: Some(shape[3] * factor),
            height: Some(shape[2] * factor),
            sampler: Some(self.sampler.parse()?),
            steps: self.steps,
            guidance: self.guidance,
            seed: if let End::Seed(seed) = end { *seed } else { 0 },
            latents,
            ..Request::default()
        };
        let plan = Plan::new(model, &request)?;
        if plan.settings.sampling.sampler.value.info().fresh != FreshNoise::Never {
            let reason = "draws fresh noise in its steps, so the images between would not be alike: choose another, such as ddim";
            return Err(Failure::usage(format!("--sampler {}: it {reason}", self.sampler)));
        }
        Ok(plan)
    }

    fn draw(
        &self,
        pipeline: &Pipeline,
        plans: &[Plan; 2],
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let [from, to] = [pipeline.first_noise(&plans[0])?, pipeline.first_noise(&plans[1])?];
        let mut images: Vec<Image> = Vec::new();
        for frame in 0..self.frames {
            let share = frame as f64 / (self.frames - 1) as f64;
            let (plan, settings) = self.frame(plans, frame, || from.slerp(&to, share));
            let what = format!("frame {} of {}", frame + 1, self.frames);
            let drawn = pipeline
                .drawing(&plan)
                .watch(&mut |step| {
                    driver::called();
                    let (call, calls) = (step.call as u64, step.calls as u64);
                    progress.work(&what, frame * calls + call, self.frames * calls);
                    cancel.flow()
                })
                .run()?;
            if self.sheet {
                images.push(drawn.image);
            } else {
                save(&drawn.image, &self.file(frame), settings)?;
            }
        }
        if self.sheet {
            save(&sheet(&images, images.len()), &self.output, self.between(&with_noise(&plans[0], from)))?;
            progress.finished(&self.output.display().to_string());
        } else {
            progress.finished(&format!("{} to {}", self.file(0).display(), self.file(self.frames - 1).display()));
        }
        Ok(())
    }

    /// The plan of a frame, and the settings that its file tells. The ends are the images of `sd generate`.
    fn frame(&self, plans: &[Plan; 2], frame: u64, between: impl FnOnce() -> Latents) -> (Plan, Parameters) {
        let end = match frame {
            0 => Some((&plans[0], &self.from)),
            last if last == self.frames - 1 => Some((&plans[1], &self.to)),
            _ => None,
        };
        if let Some((plan, end)) = end {
            let mut settings = plan.parameters();
            end.add_to(&mut settings);
            return (plan.clone(), settings);
        }
        let plan = with_noise(&plans[0], between());
        let mut settings = self.between(&plan);
        settings.set("Frame", format!("{frame} of {}", self.frames));
        (plan, settings)
    }

    /// The settings of images between the ends.
    fn between(&self, plan: &Plan) -> Parameters {
        let mut settings = plan.parameters();
        settings.set("Initial noise", format!("from {} to {}", self.from.describe(), self.to.describe()));
        settings
    }
}

fn with_noise(plan: &Plan, latents: Latents) -> Plan {
    let mut plan = plan.clone();
    plan.latents = Some(latents);
    plan
}

fn save(image: &Image, file: &Path, mut settings: Parameters) -> Result<(), Error> {
    settings.set("Version", concat!("sd-burn ", env!("CARGO_PKG_VERSION")));
    Ok(image.save_with_text(file, &[("parameters", &settings.to_string())])?)
}
