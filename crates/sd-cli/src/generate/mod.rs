mod editing;
mod guiding;
mod named_files;
mod options;
mod passes;
mod prompt_files;
mod steering;
mod texts;

use std::path::PathBuf;

use clap::ValueEnum;
use sd_device::{Tuning, best_device, device_by_name, device_info};
use sd_pipeline::{Error, Pipeline, Plan, Request, Schedule, Seamless, Syntax, write_tensor};
use serde_json::json;

use self::editing::EditFlags;
use self::guiding::GuidanceFlags;
use self::options::Options;
use self::passes::{Loaded, PassFlags, Planned};
use self::prompt_files::FolderFlags;
use self::steering::SteeringFlags;
use self::texts::TextFlags;
use crate::builtin;
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flag_names::with_flags;
use crate::flags::{DEVICE, Precision};
use crate::input::read_latents;
use crate::model::ModelFlags;
use crate::outputs::{check_file, check_png, is_stdout, numbered};
use crate::print::{leave_stdout, print};
use crate::progress::Progress;
use crate::prompt_flags::{PromptFlags, Texts};
use crate::reporter::ProgressKind;
use crate::seed::Seed;

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
    /// Output PNG file, pipe or /dev/stdout; with --count: out-0.png, out-1.png, ...
    #[arg(long, value_name = "FILE", default_value = "out.png")]
    output: PathBuf,
    /// Sampler; see `sd samplers` [default: the model's own, else ddim]
    ///
    /// A good choice is unipc or dpm++2m with --schedule karras and 20 to 30 steps; for more variety, dpm++2m-sde.
    #[arg(long, value_name = "NAME")]
    sampler: Option<String>,
    /// Schedule of noise levels; see `sd samplers` [default: from the model's config]
    ///
    /// With few steps, karras and ays are good choices. Custom schedules look like timesteps:999,749,499,249 or
    /// sigmas:14.6,4,1,0.
    #[arg(long, value_name = "NAME")]
    schedule: Option<String>,
    /// Sampling steps; more are slower but finer [default: 50, or the length of a custom --schedule; ddpm in pixels: all;
    /// built-in model: 25]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Guidance scale: how closely to follow the prompt [default: 7.5, XL: 5, built-in model: 3]
    ///
    /// At 1 and below (Turbo models recommend 0), the image is drawn without guidance, as in diffusers: with half the work, and
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
    #[arg(
        long,
        value_name = "NAME",
        help = format!("{DEVICE} [default: the GPU with the most memory, else flex]")
    )]
    device: Option<String>,
    /// Precision of the networks; f16 and bf16 halve the memory
    ///
    /// On the CPU it applies to the weights only, and bf16 is faster on AMD's processors from Zen 4 on; `sd devices` shows what
    /// this one computes with.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    /// Decode and encode in bands of rows: less memory and more time, for the same image up to rounding
    ///
    /// `auto` does this where the memory asks for it; --plan=json and --plan show it.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Tiling::Auto)]
    vae_tiling: Tiling,
    /// Draw an image that can be laid side by side with itself: along x, along y, or both
    #[arg(long, value_enum, value_name = "AXES")]
    seamless: Option<Axes>,
    /// Skip kernel tuning on GPUs: faster start, possibly slower images
    #[arg(long)]
    no_autotune: bool,
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
    // Last, because their headings apply to all flags after them.
    #[command(flatten)]
    texts: TextFlags,
    #[command(flatten)]
    guiding: GuidanceFlags,
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
  sd generate --model ddpm-cifar10-32 --sampler ddim --steps 50
  sd generate --model sdxl --prompt \"a city\" --width 1024 --height 768 --sampler dpm++2m --schedule karras --steps 20

Exit codes: 0 drawn, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

#[derive(Clone, Copy, ValueEnum)]
enum Rng {
    Torch,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Tiling {
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

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum PlanForm {
    /// One line per setting
    Text,
    /// One line of JSON per image, which sd-pipeline can draw again
    Json,
}

/// Draws images.
pub fn run(args: &Args) -> Result<(), Failure> {
    driver::set_up(if args.no_autotune { Tuning::Quick } else { Tuning::Thorough }, args.progress);
    if args.outputs().any(|(_, file)| is_stdout(file)) {
        leave_stdout();
    }
    // Mistakes in the flags, the folder and the machine are found before the weights are read.
    let device = args.device.as_deref().map_or_else(best_device, device_info)?;
    let mut request = args.request()?;
    let texts = args.texts(request.seed, request.prompt_syntax)?;
    (request.prompt, request.negative_prompt) = (texts[0].prompt.clone(), texts[0].negative_prompt.clone());
    args.check_files()?;
    let mut progress = Progress::new(args.progress);
    if args.device.is_none() && !args.dry_run && args.plan.is_none() {
        progress.note(&format!("on {}: {}", device.name, device.hardware));
    }
    let cancel = Cancel::on_ctrl_c();
    let (name, mut model) = args.model.open(&mut progress, &cancel)?;
    args.steering.add_to(&mut request, &mut model, args.model.is_builtin(), &mut progress, &cancel)?;
    let (mut plan, mut passes) = Planned::plan(&args.passes, &model, &request, &mut progress, &cancel)?;
    let size = (plan.settings.width.value, plan.settings.height.value);
    SteeringFlags::tell_sizes(&request, size, &progress);
    let dtype = args.dtype.dtype();
    if args.vae_tiling == Tiling::Auto {
        plan.tile_if_needed(&model, dtype, &device);
        passes.tile_if_needed(&model, dtype, &device);
    }
    model.notes().iter().for_each(|note| progress.warn(&with_flags(note)));
    args.model.add(&mut model, &progress)?;
    let (syntax, prompts) = (request.prompt_syntax, prompts(&texts));
    let negatives = texts.iter().filter_map(|texts| texts.negative_prompt.as_deref());
    let regions = request.regions.iter().map(|region| region.prompt.as_str());
    let all: Vec<&str> = prompts.iter().copied().chain(negatives).chain(regions).collect();
    args.folders.add_embeddings(&all, syntax, &mut model, &progress)?;
    let mut loras = args.folders.add_loras(&prompts, syntax, &mut model, &progress)?;
    // Of several passes the last one knows where schedules end.
    let surprising = passes.plans(&model).map(|(_, plan)| plan).last().unwrap_or(&plan);
    surprising.warnings(&model).iter().for_each(|warning| progress.warn(&with_flags(warning)));
    if args.model.is_builtin() {
        builtin::warn_of_unknown_words(&model.split_words(&plan.words()), &progress);
    }
    if let Some(form) = args.plan {
        let further: Vec<&Plan> = passes.plans(&model).map(|(_, plan)| plan).collect();
        return args.print(&plan, &further, &texts, form);
    }
    for (model, plan) in [(&model, &plan)].into_iter().chain(passes.plans(&model)) {
        if args.dry_run {
            progress.need(&model.memory(&plan.workload(), dtype, &device), &device);
            steering::tell_needs(model, dtype, &progress);
        }
        model.check_device(&plan.workload(), dtype, &device)?;
        if let Some(warning) = model.memory_warning(&plan.workload(), dtype, &device) {
            progress.warn(&with_flags(&warning));
        }
    }
    if args.dry_run {
        return Ok(());
    }
    on_device(&device.name, || -> Result<(), Failure> {
        progress.busy(&format!("loading {name} on {}", device.name));
        let device = device_by_name(&device.name)?;
        let mut pipeline = Pipeline::load(model, &device, dtype)?;
        let passes = passes.load(&device, dtype)?;
        sd_pipeline::keep_memory();
        progress.loaded();
        for index in 0..args.count() {
            loras.set(index as usize, &mut pipeline)?;
            let plan = numbered_plan(&plan, index, &texts);
            args.draw(&pipeline, &passes, &plan, index, &mut progress, &cancel)?;
        }
        Ok(())
    })
}

impl Args {
    fn request(&self) -> Result<Request, Failure> {
        let schedule = self.schedule.as_deref().map(str::parse::<Schedule>).transpose()?;
        let mut request = Request {
            width: self.width,
            height: self.height,
            sampler: self.sampler.as_deref().map(str::parse).transpose()?,
            options: self.options.given(),
            steps: self.steps,
            schedule,
            guidance: self.guidance,
            seed: self.seed.unwrap_or(Seed::New).number(),
            latents: self.latents.as_deref().map(|file| read_latents("--latents", file)).transpose()?,
            seamless: match self.seamless {
                None => Seamless::No,
                Some(Axes::X) => Seamless::X,
                Some(Axes::Y) => Seamless::Y,
                Some(Axes::Both) => Seamless::Both,
            },
            vae_tiling: self.vae_tiling == Tiling::On,
            ..Request::default()
        };
        self.texts.add_to(&mut request)?;
        self.guiding.add_to(&mut request);
        self.edit.add_to(&mut request)?;
        Ok(request)
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
    fn outputs(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        [("--output", Some(&self.output)), ("--save-latents", self.save_latents.as_ref())]
            .into_iter()
            .filter_map(|(flag, file)| Some((flag, file?)))
    }

    /// Checks that the outputs can be written, before an hour of work is lost.
    fn check_files(&self) -> Result<(), Failure> {
        for (flag, file) in self.outputs() {
            // The last file has the longest number.
            let first = check_file(flag, &numbered(file, 0, self.count()))?;
            check_file(flag, &numbered(file, self.count() - 1, self.count()))?;
            if flag == "--output" {
                check_png(flag, file, &first)?;
            }
        }
        if self.save_latents.as_ref() == Some(&self.output) {
            let reason = format!("--save-latents {}: --output is the same file: choose another", self.output.display());
            return Err(Failure::usage(reason));
        }
        Ok(())
    }

    /// Prints the plans of each image: that of its first drawing, and those of further passes.
    fn print(&self, plan: &Plan, further: &[&Plan], texts: &[Texts], form: PlanForm) -> Result<(), Failure> {
        let plans = (0..self.count()).flat_map(|index| {
            let all = [plan].into_iter().chain(further.iter().copied());
            all.map(move |plan| numbered_plan(plan, index, texts))
        });
        for (i, plan) in plans.enumerate() {
            match form {
                PlanForm::Text if i > 0 => print(&format_args!("\n{plan}")),
                PlanForm::Text => print(&plan),
                PlanForm::Json => print(&format_args!("{}\n", json(&plan)?)),
            }
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        self.count.unwrap_or(1)
    }

    fn draw(
        &self,
        pipeline: &Pipeline,
        passes: &Loaded,
        plan: &Plan,
        index: u64,
        progress: &mut Progress,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let Rng::Torch = self.rng;
        progress.image();
        let drawn = passes.draw(pipeline, plan, cancel, &mut |step| {
            driver::called();
            progress.step(index as usize, step);
            cancel.flow()
        })?;
        if let Some(file) = &self.save_latents {
            let file = numbered(file, index, self.count());
            write_tensor(&file, "latents", &drawn.latents.values, &drawn.latents.shape).map_err(Error::from)?;
        }
        let output = numbered(&self.output, index, self.count());
        let mut settings = plan.parameters();
        if let Some(file) = &self.latents {
            // A JSON string, because the name may contain commas.
            settings += &format!(", Initial noise: {}", json!(file.display().to_string()));
        }
        settings += &self.passes.parameters(passes);
        settings += concat!(", Version: sd-burn ", env!("CARGO_PKG_VERSION"));
        drawn.image.save_with_text(&output, &[("parameters", &settings)])?;
        let seed = self.latents.is_none().then_some(plan.seed);
        progress.done(index as usize, seed, &output.display().to_string());
        Ok(())
    }
}

/// The plan of image `index` of several.
fn numbered_plan(plan: &Plan, index: u64, texts: &[Texts]) -> Plan {
    let mut plan = plan.clone();
    plan.seed = plan.seed.wrapping_add(index);
    let Texts { prompt, negative_prompt } = &texts[index as usize];
    plan.prompt.clone_from(prompt);
    plan.settings.negative_prompt.clone_from(negative_prompt);
    plan
}

/// The prompts of all images.
fn prompts(texts: &[Texts]) -> Vec<&str> {
    texts.iter().filter_map(|texts| texts.prompt.as_deref()).collect()
}

fn json(plan: &Plan) -> Result<String, Failure> {
    serde_json::to_string(plan).map_err(|error| Failure::new(format!("--plan: {error}")))
}
