use std::path::PathBuf;

use sd_engine::{Drawn, Engine, Record, Used};
use sd_image::{Format, Image};

use crate::again::{self, Again, Said};
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flag_names::with_flags;
use crate::input::read_image;
use crate::library_flags::LibraryFlags;
use crate::outputs::{check_file, check_image, is_stdout};
use crate::print::{leave_stdout, print};
use crate::progress::Progress;
use crate::reporter::ProgressKind;
use crate::session::tell_device;

/// Draw an image again from what it says about itself, and say whether it is the same.
///
/// It takes the record that sd-burn writes into images, else the settings of AUTOMATIC1111, else the graph of ComfyUI. Models and
/// other files are found by their hashes and names in the given folders; the built-in model needs none.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// PNG, JPEG or WebP file
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Compare the drawing with the image, and say what differs; exit code 1 if any pixel does
    #[arg(long)]
    check: bool,
    /// Write the drawing to a file: .png, .jpg or .webp [default: reproduced.png; with --check: none]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// An image that it was made from: the initial image, a mask, an image of a control network; may be repeated
    #[arg(long, value_name = "FILE")]
    given: Vec<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
    #[command(flatten)]
    library: LibraryFlags,
}

const EXAMPLES: &str = "\
Examples:
  sd reproduce house.png --check
  sd reproduce lighthouse.webp --models models --output again.png

Exit codes: 0 drawn, and with --check the same; 1 failed, or not the same; 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Draws an image again.
pub fn run(args: &Args) -> Result<(), Failure> {
    let output = match &args.output {
        None if args.check => None,
        None => Some(PathBuf::from("reproduced.png")),
        Some(file) => Some(file.clone()),
    };
    if output.as_deref().is_some_and(is_stdout) {
        leave_stdout();
    }
    if let Some(file) = &output {
        check_image("--output", file, &check_file("--output", file)?)?;
    }
    let said = again::read(&args.image)?;
    let given = args.given.iter().map(|file| read_image(file).map_err(|failure| failure.with_flag("--given")));
    let given = given.collect::<Result<Vec<Image>, Failure>>()?;
    let mut progress = Progress::new(args.progress);
    let cancel = Cancel::on_ctrl_c();
    let mut engine = args.library.engine(&mut progress, &cancel)?;
    let Again { job, lost } = Again::new(&args.image, said.making.as_ref(), engine.library(), &given)?;
    lost.iter().for_each(|what| progress.warn(&with_flags(what)));
    tell_device(&engine, &progress);
    let device = engine.options().device.name.clone();
    let mut drawn = None;
    on_device(&device, || -> Result<(), Failure> {
        drawn = Some(draw(&mut engine, &job, &mut progress, &cancel)?);
        Ok(())
    })?;
    let Some(drawn) = drawn else { return Ok(()) };
    if let Some(file) = &output {
        let texts = drawn.texts();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(keyword, text)| (*keyword, text.as_str())).collect();
        drawn.image.save_as(file, Format::from_path(file)?, &texts)?;
        progress.done(0, Some(drawn.seed), &file.display().to_string());
    }
    if args.check { compare(args, &said, &drawn) } else { Ok(()) }
}

fn draw(engine: &mut Engine, job: &sd_engine::Job, progress: &mut Progress, cancel: &Cancel) -> Result<Drawn, Failure> {
    progress.busy("loading the model");
    let prepared = engine.prepare(job)?;
    progress.loaded();
    prepared.warnings().iter().for_each(|warning| progress.warn(&with_flags(warning)));
    progress.image();
    Ok(prepared.draw(0, &mut |step| {
        driver::called();
        progress.step(0, step);
        cancel.flow()
    })?)
}

/// Says whether the drawing is the image, and if not, what differs.
fn compare(args: &Args, said: &Said, drawn: &Drawn) -> Result<(), Failure> {
    let name = args.image.display();
    let Some(difference) = difference(&said.image, &drawn.image) else {
        print(&format_args!("{name}: the same, to the pixel\n"));
        return Ok(());
    };
    let record = said.making.as_ref().and_then(|making| making.record.as_deref());
    if let Some(record) = record.and_then(|record| Record::from_json(record).ok()) {
        causes(&record, &drawn.record).iter().for_each(|line| print(&format_args!("{line}\n")));
    } else if let Some(making) = &said.making {
        print(&format_args!("its settings are of {}, which computes otherwise\n", making.source));
    }
    Err(Failure::new(format!("{name}: not the same: {difference}")))
}

/// How two images differ, if they do.
fn difference(image: &Image, drawn: &Image) -> Option<String> {
    if (image.width, image.height) != (drawn.width, drawn.height) {
        let [old, new] = [image, drawn].map(|image| format!("{}×{}", image.width, image.height));
        return Some(format!("it has {old} pixels, and the drawing {new}"));
    }
    let differences = image.rgb.iter().zip(&drawn.rgb).map(|(a, b)| a.abs_diff(*b));
    let largest = differences.max().filter(|largest| *largest > 0)?;
    let pairs = image.rgb.chunks(3).zip(drawn.rgb.chunks(3));
    let count = pairs.filter(|(a, b)| a != b).count();
    let all = image.width * image.height;
    Some(format!("{count} of {all} pixels differ, by up to {largest} of 255"))
}

/// What differs between the drawing of an image and ours, a line each.
fn causes(old: &Record, new: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    let mut of = |what: &str, old: &str, new: &str| {
        if old != new {
            lines.push(format!("{what}: {old}, now {new}"));
        }
    };
    of("version", &old.version, &new.version);
    of("device", &format!("{} ({})", old.device, old.hardware), &format!("{} ({})", new.device, new.hardware));
    of("dtype", &old.dtype, &new.dtype);
    of("int8", &old.int8.to_string(), &new.int8.to_string());
    for file in &old.files {
        let is_same = |other: &&Used| (&other.kind, &other.name) == (&file.kind, &file.name);
        let same_kind = || new.files.iter().find(|other| other.kind == file.kind);
        let digits = |file: &Used| format!("{} {}", file.name, &file.sha256[..file.sha256.len().min(10)]);
        let now = new.files.iter().find(is_same).or_else(same_kind).map_or("none".into(), digits);
        of(&file.kind, &digits(file), &now);
    }
    if lines.is_empty() {
        lines
            .push("version, device, precision and files are those that drew the image: its pixels were changed".into());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: usize, rgb: &[u8]) -> Image {
        Image { width, height: rgb.len() / width / 3, rgb: rgb.into() }
    }

    #[test]
    fn differences_are_counted_in_pixels() {
        let one = image(2, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(difference(&one, &one), None);
        let found = difference(&one, &image(2, &[1, 9, 0, 4, 5, 6])).unwrap();
        assert_eq!(found, "1 of 2 pixels differ, by up to 7 of 255");
        assert_eq!(difference(&one, &image(1, &[1, 2, 3])).unwrap(), "it has 2×1 pixels, and the drawing 1×1");
    }
}
