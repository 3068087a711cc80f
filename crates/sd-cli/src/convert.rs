use std::path::PathBuf;

use clap::ValueEnum;
use sd_pipeline::{
    BlockKind, Choices, ControlFile, ControlLayout, Error, Field, Form, Layout, RequestError, Written, convert,
};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::flags::Precision;
use crate::model::ChoiceFlags;
use crate::outputs;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Convert a model or a ControlNet to another layout or precision.
///
/// IN is a folder or a single file, not a name on the hub. If OUT ends in .safetensors or .gguf, a single file with the
/// original tensor names is written, else a folder in the diffusers layout with configs and tokenizers. Both layouts draw the
/// same images here and in other programs, bit for bit unless --dtype or --quantize rounds the weights.
///
/// Of a ControlNet, a single file can have diffusers' names, too: with --layout diffusers.
///
/// Tensors are read and written one at a time. OUT must not exist; it appears once it is complete.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folder of the model or the ControlNet, or its single file
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// Output: a folder, or a single file NAME.safetensors or NAME.gguf
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Precision of the weights [default: unchanged]
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<Precision>,
    /// Blocks for the matrices of the U-Net and the text encoders, in GGUF files: OUT is NAME.gguf or a folder. They stay small
    /// in memory, too. Other tensors with more than one dimension get half precision
    #[arg(long, value_enum, value_name = "BLOCKS", conflicts_with = "dtype")]
    quantize: Option<Quantize>,
    /// Quantize also what has no rows of whole blocks: convolutions, two thirds of the weights of 1.5's U-Net. ComfyUI-GGUF reads
    /// these, stable-diffusion.cpp does not
    #[arg(long, requires = "quantize")]
    quantize_all: bool,
    /// Layout of OUT; must agree with its name [default: from the name]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    layout: Option<LayoutKind>,
    #[command(flatten)]
    choices: ChoiceFlags,
    /// File of another U-Net of the same family, such as a GGUF file without the other parts: joins it to the rest of IN
    #[arg(long, value_name = "FILE")]
    unet: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

/// Values of `--quantize`.
#[derive(Clone, Copy, ValueEnum)]
enum Quantize {
    /// 8.5 bits a weight: images hardly differ; also called int8
    #[value(name = "q8_0", alias = "int8")]
    Eight,
    /// 4.5 bits, with a scale for each 32 weights
    #[value(name = "q4_0")]
    Four,
    /// 4.5 bits, with a scale and a minimum for each 32: more precise than q4_0
    #[value(name = "q4_k")]
    FourGrouped,
}

#[derive(Clone, Copy, ValueEnum)]
enum LayoutKind {
    Diffusers,
    Single,
}

const EXAMPLES: &str = "\
Examples:
  sd convert v1-5-pruned.ckpt stable-diffusion-v1-5            # a single file to a folder
  sd convert stable-diffusion-xl-base-1.0 xl.safetensors       # a folder to a single file
  sd convert xl.safetensors xl-half.safetensors --dtype f16    # half the size
  sd convert xl.safetensors xl.gguf --quantize q8_0            # a third of f32, also in memory
  sd convert xl.safetensors joined.gguf --unet unet-q4_k.gguf  # a U-Net alone, as for ComfyUI, and the rest of its model
  sd convert my-2-base.ckpt my-2-base --prediction eps         # something that the file does not say
  sd convert control_v11p_sd15_canny.pth canny                 # a ControlNet to a folder of diffusers

Exit codes: 0 written, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Writes the model.
pub fn run(args: &Args) -> Result<(), Failure> {
    let is_control = ControlFile::is_at(&args.from).map_err(Error::from)?;
    args.check_layout(is_control)?;
    // `convert` refuses an existing OUT with its own message. A folder may end with a slash.
    let to: PathBuf = args.to.components().collect();
    if to.symlink_metadata().is_err() {
        outputs::check_file("OUT", &to)?;
    }
    let form = args.form();
    let mut progress = Progress::new(args.progress);
    let cancel = Cancel::on_ctrl_c();
    let mut shown = None;
    let mut watch = |written: &Written| {
        // A line per percent is enough; there may be a thousand tensors.
        let percent = written.done * 100 / written.total.max(1);
        if shown != Some(percent) {
            shown = Some(percent);
            progress.work(written.file, written.done, written.total);
        }
        cancel.flow()
    };
    let notes = match is_control {
        true => {
            let control = ControlFile::open(&args.from)?;
            control.convert(&args.to, args.names(), form, &mut watch)?;
            control.notes().to_vec()
        }
        false => {
            let choices = Choices { unet: args.unet.clone(), ..args.choices.choices() };
            convert(&args.from, &args.to, form, &choices, &mut watch)?
        }
    };
    notes.iter().for_each(|note| progress.warn(note));
    progress.finished(&args.to.display().to_string());
    Ok(())
}

impl Args {
    /// The form of the weights.
    fn form(&self) -> Form {
        let kind = self.quantize.map(|quantize| match quantize {
            Quantize::Eight => BlockKind::Q8_0,
            Quantize::Four => BlockKind::Q4_0,
            Quantize::FourGrouped => BlockKind::Q4_K,
        });
        match kind {
            Some(kind) => Form::Blocks { kind, all: self.quantize_all },
            None => self.dtype.map(|precision| precision.dtype().float()).into(),
        }
    }

    /// Checks that --layout agrees with the name of OUT; a single file of a ControlNet can have the names of either.
    fn check_layout(&self, is_control: bool) -> Result<(), Error> {
        let to = self.to.display();
        let reason = match (self.layout, Layout::of_name(&self.to)?) {
            (Some(LayoutKind::Diffusers), Layout::Single) if !is_control => {
                format!(
                    "{to} is the name of a single file, but --layout diffusers makes a folder: leave out its extension"
                )
            }
            (Some(LayoutKind::Single), Layout::Diffusers) => {
                format!("{to} is the name of a folder, but --layout single makes a file: call it {to}.safetensors")
            }
            _ => return Ok(()),
        };
        Err(RequestError::new(Field::Output, reason).into())
    }

    /// Whose names the tensors of a ControlNet's single file get.
    fn names(&self) -> Option<ControlLayout> {
        self.layout.map(|layout| match layout {
            LayoutKind::Diffusers => ControlLayout::Diffusers,
            LayoutKind::Single => ControlLayout::Original,
        })
    }
}
