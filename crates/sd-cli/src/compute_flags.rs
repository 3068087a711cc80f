//! Flags of commands that draw: the device, and how it computes.

use std::path::PathBuf;
use std::sync::Arc;

use sd_device::{Tuning, best_device, device_info};
use sd_engine::{Engine, EngineOptions, Library, LibraryFolders};
use sd_pipeline::Products;

use crate::builtin;
use crate::driver;
use crate::failure::Failure;
use crate::flags::{DEVICE, MemoryFlag, Precision};
use crate::reporter::ProgressKind;

/// How networks run.
#[derive(clap::Args)]
pub struct ComputeFlags {
    #[arg(
        long,
        value_name = "NAME",
        help = format!("{DEVICE} [default: the GPU with the most memory, else flex]")
    )]
    device: Option<String>,
    /// Precision of the networks; f16 and bf16 halve the memory
    ///
    /// On the CPU it applies to the weights only, and bf16 is faster on AMD's processors from Zen 4 on and on Intel's with AMX;
    /// `sd devices` shows what this one computes with.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    /// How much memory each model may take
    ///
    /// `low` leaves weights in their files and reads each when a layer uses it, and decodes images in bands of rows: on the CPU
    /// (device flex), with weights in f32 or f16, or in bf16 with `--dtype bf16`. `--dry-run` shows what that takes. The files
    /// must not be changed meanwhile.
    #[arg(long, value_enum, default_value_t = MemoryFlag::Normal)]
    memory: MemoryFlag,
    /// Multiply integers of 8 bits where weights are in q8_0: faster, for a slightly different image
    ///
    /// Linear layers round their inputs, too, 32 by 32. It is for the CPU (device flex) and for models that `sd convert --quantize
    /// q8_0` writes, or another program; others are refused. `sd devices` shows the instructions that this processor has for it.
    #[arg(long)]
    int8: bool,
    /// Skip kernel tuning on GPUs: faster start, possibly slower images
    #[arg(long)]
    no_autotune: bool,
}

impl ComputeFlags {
    /// Prepares the drivers, whose troubles are shown as progress is.
    pub fn set_up(&self, progress: ProgressKind) {
        driver::set_up(if self.no_autotune { Tuning::Quick } else { Tuning::Thorough }, progress);
    }

    /// Makes an engine with these files and the built-in model, which keeps so many models loaded.
    pub fn engine(&self, folders: LibraryFolders, keep: usize) -> Result<Engine, Failure> {
        let device = self.device.as_deref().map_or_else(best_device, device_info)?;
        let library = Library::new(LibraryFolders { builtin: builtin::model(), hashes: hashes(), ..folders })?;
        let (dtype, memory) = (self.dtype.dtype(), self.memory.memory());
        let products = if self.int8 { Products::Int8 } else { Products::Widened };
        Ok(Engine::new(Arc::new(library), EngineOptions { device, dtype, memory, products, keep }))
    }

    /// Whether the device is chosen by the program.
    pub fn chooses_device(&self) -> bool {
        self.device.is_none()
    }
}

/// The file in the user's cache that keeps the hashes of models.
pub fn hashes() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(std::env::home_dir()?.join(".cache"));
    Some(cache.or_else(home)?.join("sd-burn").join("hashes.json"))
}
