use std::path::{Path, PathBuf};

use sd_device::{DeviceInfo, Tuning, best_device, device_by_name, device_info};
use sd_image::{Filter, Image};
use sd_upscale::{Tile, Upscaler, UpscalerFile, scaled_size};

use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flags::{DEVICE, Precision};
use crate::input::read_image;
use crate::outputs::{check_file, check_image, is_stdout};
use crate::print::leave_stdout;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Enlarge an image.
///
/// With --model, a network invents the details that a larger image has: ESRGAN or Real-ESRGAN (RRDBNet for ×1 to ×16, and its
/// small kind, SRVGGNetCompact), as a .pth or .safetensors file in any of its layouts. Without, the image is resized with
/// Lanczos.
///
/// Images of up to 768×768 pixels are enlarged as a whole, larger ones in tiles of 512 that overlap and pass into each other, so
/// that no seam shows.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Image to enlarge: PNG, JPEG or WebP; - is standard input
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// Output file: .png, .jpg or .webp; or a pipe or /dev/stdout
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// File of the network
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Factor between the sides of OUT and IN [default: the network's own; without a network 2]
    ///
    /// Another factor than the network's own is reached by resizing its image with Lanczos.
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    scale: Option<f64>,
    #[arg(
        long,
        value_name = "NAME",
        requires = "model",
        help = format!("{DEVICE} [default: the GPU with the most memory, else flex]")
    )]
    device: Option<String>,
    /// Precision of the network; on the CPU it applies to the weights only
    #[arg(long, value_enum, requires = "model", default_value_t = Precision::F32)]
    dtype: Precision,
    /// Longest side of a tile in pixels of IN; 0: the whole image [default: 512 for images of more than 768×768 pixels, else 0]
    ///
    /// Smaller tiles take less memory and more time: every two share 96 pixels.
    #[arg(long, value_name = "N", requires = "model")]
    tile: Option<usize>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

const EXAMPLES: &str = "\
Examples:
  sd upscale small.png large.png --model RealESRGAN_x4plus.pth              # four times the size
  sd upscale small.png large.png --model RealESRGAN_x4plus.pth --scale 2    # then down to twice the size
  sd upscale photo.jpg large.png --model 4x-UltraSharp.pth --tile 256       # in less memory
  sd upscale small.png large.png --scale 3                                  # Lanczos, without a network
  sd generate --prompt \"a boat\" --output /dev/stdout | sd upscale - boat.png --scale 4

Exit codes: 0 written, 1 failed, 2 wrong usage, 130 cancelled with Ctrl-C or SIGTERM.";

/// Enlarges an image.
pub fn run(args: &Args) -> Result<(), Failure> {
    driver::set_up(Tuning::Thorough, args.progress);
    if is_stdout(&args.to) {
        leave_stdout();
    }
    // Mistakes are found before the weights are read.
    check_image("OUT", &args.to, &check_file("OUT", &args.to)?)?;
    let mut progress = Progress::new(args.progress);
    let image = read_image(&args.from)?;
    let large = match &args.model {
        Some(model) => args.with_network(model, &image, &mut progress)?,
        None => {
            let [width, height] = scaled_size(image.width, image.height, args.scale.unwrap_or(2.0))?;
            image.resize(width, height, Filter::Lanczos)
        }
    };
    large.save(&args.to)?;
    progress.finished(&args.to.display().to_string());
    Ok(())
}

impl Args {
    fn with_network(&self, model: &Path, image: &Image, progress: &mut Progress) -> Result<Image, Failure> {
        let device = self.device.as_deref().map_or_else(best_device, device_info)?;
        let file = Upscaler::open(model)?;
        let tile = match self.tile {
            None => Tile::Auto,
            Some(0) => Tile::Whole,
            Some(side) => Tile::Side(side),
        };
        let scale = self.scale.unwrap_or(file.config().scale() as f64);
        let size = scaled_size(image.width, image.height, scale)?;
        file.config().check(image.width, image.height, tile)?;
        if self.device.is_none() {
            progress.note(&format!("on {}: {}", device.name, device.hardware));
        }
        self.warn_of_memory(&file, image, tile, &device, progress);
        let cancel = Cancel::on_ctrl_c();
        let mut large = None;
        on_device(&device.name, || -> Result<(), Failure> {
            progress.busy(&format!("loading {} on {}", model.display(), device.name));
            let upscaler = file.load(&device_by_name(&device.name)?, self.dtype.dtype())?;
            sd_pipeline::keep_memory();
            progress.loaded();
            large = Some(upscaler.upscale_to(image, size, tile, &mut |parts| {
                driver::called();
                progress.work("enlarging", parts.done as u64, parts.total as u64);
                cancel.flow()
            })?);
            Ok(())
        })?;
        Ok(large.expect("no error came back"))
    }

    fn warn_of_memory(&self, file: &UpscalerFile, image: &Image, tile: Tile, device: &DeviceInfo, progress: &Progress) {
        let need = file.memory(image.width, image.height, tile, self.dtype.dtype());
        let Some(available) = device.available.or(device.memory).filter(|available| need as u64 > *available) else {
            return;
        };
        let [need, available] = [need as f64, available as f64].map(|bytes| bytes / 1e9);
        progress.warn(&format!(
            "this will take about {need:.2} GB of memory, and {} has {available:.2} GB available: if it fails or is slow, use a \
             smaller --tile",
            device.name
        ));
    }
}
