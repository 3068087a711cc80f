use std::path::PathBuf;

use sd_pipeline::{Image, Inversion, Plan, write_tensor};

use crate::driver;
use crate::failure::Failure;
use crate::input::read_image;
use crate::outputs::{check_file, is_stdout};
use crate::print::leave_stdout;
use crate::session::SessionFlags;

/// Invert an image to the noise from which DDIM draws it again.
///
/// `sd generate --sampler ddim --guidance 1 --latents FILE`, with the same model, prompt and steps, draws the image again. The
/// more steps, the closer: twice the steps leave half the error. Another prompt then draws a variation of the image.
///
/// The width and height of the image must be multiples of the model's scale factor, usually 8.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Args {
    /// Image file: PNG, JPEG or WebP; - is standard input
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    #[command(flatten)]
    session: SessionFlags,
    /// What the image shows [default: empty]; not for models without text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Steps of DDIM [default: 50, built-in model: 25]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Guidance scale [default: 1, which is without guidance]; larger ones amplify the error
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    guidance: Option<f64>,
    /// Output: a safetensors file with the noise, `latents`
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  sd invert house.png --prompt \"a red house\" --steps 100 --output house.safetensors
  sd generate --prompt \"a red house\" --steps 100 --sampler ddim --guidance 1 --latents house.safetensors
  sd generate --prompt \"a blue house\" --steps 100 --sampler ddim --guidance 1 --latents house.safetensors

Exit codes: 0 written, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Inverts the image.
pub fn run(args: &Args) -> Result<(), Failure> {
    // Mistakes in the flags, the files and the machine are found before the weights are read.
    if is_stdout(&args.output) {
        leave_stdout();
    }
    check_file("--output", &args.output)?;
    let image = read_image(&args.image)?;
    let mut session = args.session.open()?;
    let inversion =
        Inversion { prompt: args.prompt.clone(), steps: args.steps, guidance: args.guidance, ..Inversion::default() };
    let model = session.model()?;
    check_size(args, &image, model.scale_factor())?;
    let plan = Plan::new(model, &inversion.request(model, &image))?;
    session.check(&plan)?;
    session.run(|pipeline, progress, cancel| {
        let latents = pipeline.invert_with(&image, &inversion, &mut |step| {
            driver::called();
            progress.work("inverting", step.call as u64, step.calls as u64);
            cancel.flow()
        })?;
        write_tensor(&args.output, "latents", &latents.values, &latents.shape)?;
        progress.finished(&args.output.display().to_string());
        Ok(())
    })
}

/// Checks that the image's size is one that the model draws.
fn check_size(args: &Args, image: &Image, factor: usize) -> Result<(), Failure> {
    let Image { width, height, .. } = *image;
    if width.is_multiple_of(factor) && height.is_multiple_of(factor) {
        return Ok(());
    }
    let nearest = |size: usize| ((size + factor / 2) / factor).max(1) * factor;
    Err(Failure::usage(format!(
        "{}: {width}×{height} pixels, but this model needs multiples of {factor}: scale or cut it to {}×{}",
        args.image.display(),
        nearest(width),
        nearest(height)
    )))
}
