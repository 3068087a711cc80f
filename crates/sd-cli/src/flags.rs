//! Flags that several commands share.

use clap::ValueEnum;
use sd_device::DType;
use sd_image::Fit;
use sd_pipeline::Memory;

/// Help of `--device`.
pub const DEVICE: &str =
    "Device: flex, ndarray, wgpu, vulkan, metal, cuda or rocm, if built in; wgpu:1 is the second one; see `sd devices`";

/// `--device`, with the CPU as the default.
#[cfg(any(feature = "train", feature = "evaluate", feature = "tune"))]
#[derive(clap::Args)]
pub struct DeviceFlag {
    #[arg(id = "device", long = "device", value_name = "NAME", default_value = "flex", help = DEVICE)]
    pub name: String,
}

/// Values of `--dtype`.
#[derive(Clone, Copy, ValueEnum)]
pub enum Precision {
    F32,
    F16,
    Bf16,
}

impl Precision {
    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// Values of `--memory`.
#[derive(Clone, Copy, ValueEnum)]
pub enum MemoryFlag {
    /// All weights are read into memory
    Normal,
    /// Weights stay in their files
    Low,
}

impl MemoryFlag {
    pub fn memory(self) -> Memory {
        match self {
            Self::Normal => Memory::Normal,
            Self::Low => Memory::Low,
        }
    }
}

/// How an image is brought to another shape.
#[derive(Clone, Copy, ValueEnum)]
pub enum Resize {
    /// Scale it to cover the new size, and crop what sticks out
    Crop,
    /// Stretch it
    Stretch,
    /// Scale it to fit inside, and continue its edges
    Pad,
}

impl Resize {
    pub fn fit(self) -> Fit {
        match self {
            Self::Crop => Fit::Crop,
            Self::Stretch => Fit::Stretch,
            Self::Pad => Fit::Pad,
        }
    }
}
