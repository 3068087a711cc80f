//! Flags that several commands share.

use clap::ValueEnum;
use sd_device::DType;

/// Help of `--device`.
pub const DEVICE: &str =
    "Device: flex, ndarray, wgpu, vulkan, metal, cuda or rocm, if built in; wgpu:1 is the second one; see `sd devices`";

/// `--device`, with the CPU as the default.
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
