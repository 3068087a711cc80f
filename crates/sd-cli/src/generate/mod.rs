mod editing;
mod folders;
mod from;
mod guiding;
mod jobs;
mod options;
mod output;
mod passes;
mod reusing;
mod steering;
mod texts;

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sd_engine::{Drawn, Job, LibraryFolders, Prepared, Tiling};
use sd_metadata::Parameters;
use sd_pipeline::{Error, Request, Seamless, Syntax, write_tensor};

use self::editing::EditFlags;
use self::folders::FolderFlags;
use self::from::{FromFlags, FromImage, model_name};
use self::guiding::GuidanceFlags;
use self::jobs::{PlanForm, check, jobs, print_plans, tell_needs};
use self::options::Options;
use self::output::OutputFlags;
use self::passes::PassFlags;
use self::reusing::ReuseFlags;
use self::steering::SteeringFlags;
use self::texts::TextFlags;
use crate::again::Again;
use crate::builtin;
use crate::cancel::Cancel;
use crate::compute_flags::ComputeFlags;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::input::read_latents;
use crate::installed;
use crate::model::ModelFlags;
use crate::naming::Naming;
use crate::outputs::{check_file, check_image, is_stdout, numbered};
use crate::print::leave_stdout;
use crate::progress::Progress;
use crate::prompt_flags::{PromptFlags, Texts};
use crate::reporter::ProgressKind;
use crate::schedule;
use crate::seed::Seed;
use crate::session::{own_engine, tell_device};

/// Draw images from text.
///
/// Without --model, a small built-in model draws landscapes, 64 pixels wide: houses, trees, boats and the like in meadows,
/// deserts or cities, by day or by night.
///
/// Other models are folders in the diffusers layout (model_index.json, unet/, vae/, text_encoder/, ...), or single files
/// (.safetensors or .ckpt) with the original tensor names. Supported are Stable Diffusion 1.x, 2.x and XL; and, as folders,
/// DDPM and DDIM models, which work in pixels and without text.
///
/// The same seed gives the same image as diffusers with torch.Generator("cpu"), on every device.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    #[command(flatten)]
    model: ModelFlags,
    /// What the image should show; may be empty; not for models without text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// What the image should not show
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    negative_prompt: Option<String>,
    #[command(flatten)]
    output: OutputFlags,
    /// Sampler; see `sd samplers` [default: the model's own, else ddim]
    ///
    /// A good choice is unipc or dpm++2m with --schedule karras and 20 to 30 steps; for more variety, dpm++2m-sde.
    #[arg(long, value_name = "NAME")]
    sampler: Option<String>,
    /// Schedule of noise levels; see `sd samplers` [default: from the model's config]
    ///
    /// With few steps, karras and ays are good choices. Custom schedules look like timesteps:999,749,499,249 or
    /// sigmas:14.6,4,1,0. A file of `sd tune` also names the sampler. With --steps N, those that `sd tune --install` found for the
    /// model and N steps are the default.
    #[arg(long, value_name = "NAME|FILE")]
    schedule: Option<String>,
    /// Sampling steps; more are slower but finer [default: 50, or the length of a custom --schedule; ddpm in pixels: all;
    /// built-in model: 25; models made for few steps: their own]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Guidance scale: how closely to follow the prompt [default: 7.5, XL: 5, built-in model: 3; models made for few steps: mostly none]
    ///
    /// At 1 and below the image is drawn without guidance, as in diffusers: with half the work, and
    /// without the negative prompt. With --cfg-plus-plus scales are from 0 to 1, and the default is 0.6.
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    guidance: Option<f64>,
    /// Width in pixels, usually a multiple of 8 [default: the model's own]
    #[arg(long, value_name = "W")]
    width: Option<usize>,
    /// Height in pixels, usually a multiple of 8 [default: the model's own]
    #[arg(long, value_name = "H")]
    height: Option<usize>,
    /// Random seed; image i of --count uses seed + i; -1 is a new seed, other negative numbers are as in PyTorch [default: a
    /// new seed]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    seed: Option<Seed>,
    /// Number of images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Random number generator: torch equals PyTorch's CPU generator
    #[arg(long, value_enum, default_value_t = Rng::Torch)]
    rng: Rng,
    #[command(flatten)]
    compute: ComputeFlags,
    /// Decode and encode in bands of rows: less memory and more time, for the same image up to rounding
    ///
    /// `auto` does this where the memory asks for it; --plan=json and --plan show it.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = TilingFlag::Auto)]
    vae_tiling: TilingFlag,
    /// Draw an image that can be laid side by side with itself: along x, along y, or both
    #[arg(long, value_enum, value_name = "AXES")]
    seamless: Option<Axes>,
    /// Only check all flags and files, and print the memory that each phase needs
    #[arg(long)]
    dry_run: bool,
    /// Only print the plan: every setting and its origin, as text or JSON
    ///
    /// No weights are read. With --count, each image has its own plan.
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text",
        conflicts_with = "dry_run"
    )]
    plan: Option<PlanForm>,
    /// Initial noise, instead of the seed's: a safetensors file with `latents`, [1, 4, height/8, width/8]; in pixels,
    /// [1, 3, height, width]
    #[arg(long, value_name = "FILE")]
    latents: Option<PathBuf>,
    /// Also write the final latents, before decoding, to a safetensors file; numbered like the images
    #[arg(long, value_name = "FILE")]
    save_latents: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
    #[command(flatten)]
    folders: FolderFlags,
    #[command(flatten)]
    prompts: PromptFlags,
    #[command(flatten)]
    from: FromFlags,
    // Last, because their headings apply to all flags after them.
    #[command(flatten)]
    texts: TextFlags,
    #[command(flatten)]
    guiding: GuidanceFlags,
    #[command(flatten)]
    reusing: ReuseFlags,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    steering: SteeringFlags,
    #[command(flatten)]
    passes: PassFlags,
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  sd generate --prompt \"a red house by the sea at sunset\"
  sd generate --model sd15 --prompt \"a lighthouse at dusk\" --output lighthouse.png
  sd generate --model sd15 --prompt \"a cat\" --negative-prompt \"blurry\" --steps 20 --seed 42 --count 4
  sd generate --model v1-5-pruned-emaonly.safetensors --prompt \"a cat\" --steps 20
  sd generate --from house.png --seed 7 --output \"{model}-{seed}.webp\"
  sd generate --model ddpm-cifar10-32 --sampler ddim --steps 50
  sd generate --model sdxl --prompt \"a city\" --width 1024 --height 768 --sampler dpm++2m --schedule karras --steps 20

Exit codes: 0 drawn, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

#[derive(Clone, Copy, ValueEnum)]
enum Rng {
    Torch,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum TilingFlag {
    /// Where the memory is too small for the whole image
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

#[derive(Clone, Copy, ValueEnum)]
enum Axes {
    X,
    Y,
    Both,
}

/// Draws images.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.compute.set_up(args.progress);
    if args.outputs().any(|(_, file)| is_stdout(file)) {
        leave_stdout();
    }
    // Mistakes in the flags, the folder and the machine are found before the weights are read.
    let mut folders = LibraryFolders::default();
    args.folders.add_to(&mut folders);
    let mut engine = own_engine(&args.compute, folders.clone())?;
    let from = args.from.read()?;
    let request = args.request(from.as_ref())?;
    let texts = args.texts(request.seed, request.prompt_syntax)?;
    let naming = args.naming(from.as_ref())?;
    args.check_files(&naming, request.seed)?;
    let mut progress = Progress::new(args.progress);
    if args.compute.chooses_device() && !args.dry_run && args.plan.is_none() {
        tell_device(&engine, &progress);
    }
    let cancel = Cancel::on_ctrl_c();
    let job = args.job(request, from.as_ref(), &folders, &mut progress, &cancel)?;
    let jobs = || jobs(&job, &texts);
    let checks_memory = args.plan.is_none() && !args.dry_run;
    check(&mut engine, jobs(), checks_memory, &progress)?;
    if let Some(form) = args.plan {
        return print_plans(&mut engine, jobs(), form);
    }
    if args.dry_run {
        return jobs().take(1).try_for_each(|job| tell_needs(&mut engine, &job, &progress));
    }
    let device = engine.options().device.name.clone();
    on_device(&device, || -> Result<(), Failure> {
        progress.busy(&format!("loading {} on {device}", args.model.name()));
        let mut before = 0;
        for job in jobs() {
            let prepared = engine.prepare(&job)?;
            if before == 0 {
                progress.loaded();
            }
            let together = prepared.planned().together() as u64;
            for first in (0..job.count).step_by(together as usize) {
                let images = first..job.count.min(first + together);
                args.draw(&prepared, images, before, &naming, &mut progress, &cancel)?;
            }
            before += job.count;
        }
        Ok(())
    })
}

impl Args {
    /// The request of the flags; the seed may be that of an image.
    fn request(&self, from: Option<&FromImage>) -> Result<Request, Failure> {
        let named = self.sampler.as_deref().map(str::parse).transpose()?;
        let (schedule, sampler) = schedule::read(self.schedule.as_deref(), named)?;
        let mut request = Request {
            width: self.width,
            height: self.height,
            sampler,
            options: self.options.given(),
            steps: self.steps,
            schedule,
            guidance: self.guidance,
            seed: match (self.seed, from.and_then(FromImage::seed)) {
                (None, Some(seed)) => seed,
                (seed, _) => seed.unwrap_or(Seed::New).number(),
            },
            latents: self.latents.as_deref().map(|file| read_latents("--latents", file)).transpose()?,
            seamless: match self.seamless {
                None => Seamless::No,
                Some(Axes::X) => Seamless::X,
                Some(Axes::Y) => Seamless::Y,
                Some(Axes::Both) => Seamless::Both,
            },
            ..Request::default()
        };
        self.texts.add_to(&mut request)?;
        self.guiding.add_to(&mut request);
        self.reusing.add_to(&mut request);
        self.edit.add_to(&mut request)?;
        Ok(request)
    }

    /// The job of all images, but for their texts.
    fn job(
        &self,
        request: Request,
        from: Option<&FromImage>,
        folders: &LibraryFolders,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<Job, Failure> {
        let tiling = match self.vae_tiling {
            TilingFlag::Auto => Tiling::Auto,
            TilingFlag::On => Tiling::On,
            TilingFlag::Off => Tiling::Off,
        };
        let mut job = Job { request, tiling, ..Job::default() };
        self.model.add_to(&mut job, progress, cancel)?;
        self.steering.add_to(&mut job, self.model.is_builtin(), progress, cancel)?;
        self.passes.add_to(&mut job, progress, cancel)?;
        let Some(from) = from else {
            installed::add_to(&mut job, progress)?;
            return Ok(job);
        };
        let Again { job, lost } = self.from.job(from, &job, folders)?;
        lost.iter().for_each(|what| progress.warn(what));
        Ok(job)
    }

    /// The texts of each image, with what wildcards and choices give for its seed. Plain prompts have none.
    fn texts(&self, seed: u64, syntax: Syntax) -> Result<Vec<Texts>, Failure> {
        let (prompt, negative_prompt) = (self.prompt.as_deref(), self.negative_prompt.as_deref());
        if syntax == Syntax::Plain {
            let texts = self.prompts.styled(prompt, negative_prompt)?;
            return Ok((0..self.count()).map(|_| texts.clone()).collect());
        }
        let prompts = self.prompts.prompts(prompt, negative_prompt)?;
        (0..self.count()).map(|index| prompts.draw(seed.wrapping_add(index))).collect()
    }

    /// The output files, with their flags.
    fn outputs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let latents = self.save_latents.as_deref().map(|file| ("--save-latents", file));
        [("--output", self.output.path())].into_iter().chain(latents)
    }

    /// Checks that the outputs can be written, before an hour of work is lost.
    fn check_files(&self, naming: &Naming, seed: u64) -> Result<(), Failure> {
        // The last file has the longest number.
        for index in [0, self.count() - 1] {
            let file = naming.file(index, seed.wrapping_add(index));
            check_image("--output", &file, &check_file("--output", &file)?)?;
            if let Some(file) = &self.save_latents {
                check_file("--save-latents", &numbered(file, index, self.count()))?;
            }
        }
        if self.save_latents.as_deref() == Some(self.output.path()) {
            let output = self.output.path().display();
            let reason = format!("--save-latents {output}: --output is the same file: choose another");
            return Err(Failure::usage(reason));
        }
        Ok(())
    }

    /// The names of the images.
    fn naming(&self, from: Option<&FromImage>) -> Result<Naming, Failure> {
        let model = match (self.model.path(), from.and_then(FromImage::model)) {
            (Some(path), _) => model_name(path),
            (None, Some(model)) => model.to_string(),
            (None, None) => builtin::model().map_or_else(String::new, |model| model.name.to_string()),
        };
        self.output.naming(self.count(), &model)
    }

    fn count(&self) -> u64 {
        self.count.unwrap_or(1)
    }

    /// Draws images of a job together; `before` images of others come before those of the job.
    fn draw(
        &self,
        prepared: &Prepared,
        images: Range<u64>,
        before: u64,
        naming: &Naming,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let Rng::Torch = self.rng;
        let images: Vec<u64> = images.collect();
        progress.images(images.len());
        let drawn = prepared.draw_together(&images, &mut |step| {
            driver::called();
            progress.step((before + images[0]) as usize, step);
            cancel.flow()
        })?;
        images.iter().zip(drawn).try_for_each(|(image, drawn)| self.finish(drawn, before + image, naming, progress))
    }

    /// Writes image `index` of all.
    fn finish(&self, mut drawn: Drawn, index: u64, naming: &Naming, progress: &mut Progress) -> Result<(), Failure> {
        if let Some(file) = &self.save_latents {
            let file = numbered(file, index, self.count());
            write_tensor(&file, "latents", &drawn.latents.values, &drawn.latents.shape).map_err(Error::from)?;
        }
        if let Some(file) = &self.latents {
            let mut parameters = Parameters::parse(&drawn.parameters);
            parameters.set("Initial noise", file.display());
            drawn.parameters = parameters.to_string();
        }
        let output = naming.file(index, drawn.seed);
        self.output.write(&drawn, &output)?;
        let seed = self.latents.is_none().then_some(drawn.seed);
        progress.done(index as usize, seed, &output.display().to_string());
        Ok(())
    }
}
