use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::value_parser;
use sd_image::Mask;
use sd_preprocess::Preprocessor;

use crate::failure::Failure;
use crate::flags::Resize;
use crate::input::read_with_alpha;
use crate::outputs::{check_file, check_image, is_stdout};
use crate::print::leave_stdout;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Show what a control network sees of an image.
///
/// A ControlNet or a T2I-Adapter follows images of the kind that it was trained with, such as edges. `sd preprocess` makes one of a
/// photo or a drawing. The image is brought to the size of the drawing first, so that lines are as fine as the network knows them.
#[derive(clap::Args)]
#[command(after_help = after_help())]
pub struct Args {
    /// Preprocessor, perhaps with numbers, as in canny:50:120; see the list below
    #[arg(value_name = "NAME")]
    preprocessor: Preprocessor,
    /// Image: PNG, JPEG or WebP; - is standard input
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// Output file: .png, .jpg or .webp; or a pipe or /dev/stdout
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Width of the drawing in pixels [default: that of IN]
    #[arg(long, value_name = "W", value_parser = value_parser!(u16).range(1..))]
    width: Option<u16>,
    /// Height of the drawing in pixels [default: that of IN]
    #[arg(long, value_name = "H", value_parser = value_parser!(u16).range(1..))]
    height: Option<u16>,
    /// How the image is brought to --width and --height
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Resize::Crop)]
    resize: Resize,
    /// For inpaint: an image as large as IN that is white where the network is to draw; `alpha` is the transparent part of IN
    ///
    /// The network sees -1 there, which OUT shows as black.
    #[arg(long, value_name = "FILE|alpha")]
    mask: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

const EXAMPLES: &str = "
Names of AUTOMATIC1111, such as scribble_xdog and tile_resample, are understood too. Depths, poses, soft edges and the like need
networks of their own: make their images with another program, and use them with none.

Examples:
  sd preprocess canny photo.jpg edges.png
  sd preprocess canny:50:120 photo.jpg edges.png --width 512 --height 768
  sd preprocess scribble photo.jpg strokes.png --width 512 --height 512 --resize pad
  sd preprocess inpaint photo.jpg hint.png --mask mask.png

Exit codes: 0 written, 1 failed, 2 wrong usage.";

/// The list of preprocessors, and examples.
fn after_help() -> String {
    let mut help = "Preprocessors, with their numbers:\n".to_string();
    for entry in Preprocessor::ALL {
        let default = entry.default.to_string();
        let numbers = default.strip_prefix(entry.name).unwrap_or_default().trim_start_matches(':');
        let default = if numbers.is_empty() { String::new() } else { format!(" [default: {numbers}]") };
        let _ = writeln!(help, "  {:<22} {}{default}", entry.usage(), entry.about);
    }
    help + EXAMPLES
}

/// Writes what a control network sees of an image.
pub fn run(args: &Args) -> Result<(), Failure> {
    if is_stdout(&args.to) {
        leave_stdout();
    }
    check_image("OUT", &args.to, &check_file("OUT", &args.to)?)?;
    let mut progress = Progress::new(args.progress);
    let (image, alpha) = read_with_alpha(&args.from)?;
    let mask = args.mask(alpha)?;
    let width = args.width.map_or(image.width, usize::from);
    let height = args.height.map_or(image.height, usize::from);
    let hint = args.preprocessor.hint(&image, mask.as_ref(), width, height, args.resize.fit())?;
    hint.to_image().save(&args.to)?;
    progress.finished(&args.to.display().to_string());
    Ok(())
}

impl Args {
    fn mask(&self, alpha: Option<Mask>) -> Result<Option<Mask>, Failure> {
        match self.mask.as_deref() {
            None => Ok(None),
            Some(file) if file == Path::new("alpha") => match alpha {
                Some(mask) => Ok(Some(mask)),
                None => Err(Failure::usage("--mask alpha: IN has no transparent part: name a file".into())),
            },
            Some(file) => {
                Mask::read(file).map(Some).map_err(|error| Failure::new(error.to_string()).with_flag("--mask"))
            }
        }
    }
}
