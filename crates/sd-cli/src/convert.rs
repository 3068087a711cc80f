use std::path::PathBuf;

use clap::ValueEnum;
use sd_pipeline::{DType, Error, Field, Layout, RequestError, convert};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::model::ChoiceFlags;
use crate::outputs;
use crate::progress::{Kind, Progress};

/// Write a model in another layout or precision.
///
/// The model is a folder or a single file, not a name on the hub. A name that ends in .safetensors makes a single file,
/// with the names of the original programs; any other name makes a folder in the diffusers layout, with its configs and
/// tokenizers. Both draw the same images, here and in other programs, bit for bit unless --dtype rounds the weights.
///
/// Weights are read and written one tensor at a time. OUT must not exist; it appears once it is complete.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folder of the model, or its single file
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// What to write: a folder, or a single file NAME.safetensors
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Precision of the weights [default: each tensor's own]
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<Precision>,
    /// The layout of OUT, which its name must agree with [default: as its name says]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    layout: Option<Kinds>,
    #[command(flatten)]
    choices: ChoiceFlags,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Kind::Bar)]
    progress: Kind,
}

#[derive(Clone, Copy, ValueEnum)]
enum Precision {
    F32,
    F16,
    Bf16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kinds {
    Diffusers,
    Single,
}

const EXAMPLES: &str = "\
Examples:
  sd convert v1-5-pruned.ckpt stable-diffusion-v1-5            # a single file to a folder
  sd convert stable-diffusion-xl-base-1.0 xl.safetensors       # a folder to a single file
  sd convert xl.safetensors xl-half.safetensors --dtype f16    # half the size
  sd convert my-2-base.ckpt my-2-base --prediction eps         # what the file does not say of itself

Exit codes: 0 written, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Writes the model.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.check_layout()?;
    // What is there already is told by itself. A folder may have a slash behind it.
    let to: PathBuf = args.to.components().collect();
    if to.symlink_metadata().is_err() {
        outputs::check_file("OUT", &to)?;
    }
    let dtype = args.dtype.map(|dtype| match dtype {
        Precision::F32 => DType::F32,
        Precision::F16 => DType::F16,
        Precision::Bf16 => DType::BF16,
    });
    let mut progress = Progress::new(args.progress);
    let cancel = Cancel::on_ctrl_c();
    let mut shown = None;
    let notes = convert(&args.from, &args.to, dtype, &args.choices.choices(), &mut |written| {
        // There are a thousand tensors, and nobody reads as many lines.
        let percent = written.done * 100 / written.total.max(1);
        if shown != Some(percent) {
            shown = Some(percent);
            progress.work(written.file, written.done, written.total);
        }
        cancel.flow()
    })?;
    notes.iter().for_each(|note| progress.warn(note));
    progress.finished(&args.to.display().to_string());
    Ok(())
}

impl Args {
    /// Whether the layout that is asked for is the one that the name asks for.
    fn check_layout(&self) -> Result<(), Error> {
        let to = self.to.display();
        let reason = match (self.layout, Layout::of_name(&self.to)?) {
            (Some(Kinds::Diffusers), Layout::Single) => {
                format!(
                    "{to} is the name of a single file, but --layout diffusers makes a folder: leave out .safetensors"
                )
            }
            (Some(Kinds::Single), Layout::Diffusers) => {
                format!("{to} is the name of a folder, but --layout single makes a file: call it {to}.safetensors")
            }
            _ => return Ok(()),
        };
        Err(RequestError::new(Field::Output, reason).into())
    }
}
