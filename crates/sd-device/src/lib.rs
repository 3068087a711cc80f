#![doc = include_str!("../README.md")]

mod backend;
mod device;
mod dtype;
mod error;
#[cfg(feature = "gpu")]
mod gpu;
mod kernel_cache;
mod kind;
mod panic_message;
mod process_memory;
mod system_memory;

pub use backend::{device_by_name, device_names, is_flex, is_processor};
pub use burn::tensor::Device;
pub use device::{DeviceInfo, best_device, device_info, devices};
pub use dtype::DType;
pub use error::DeviceError;
pub use kernel_cache::{Tuning, keep_kernels};
pub use kind::DeviceKind;
pub use panic_message::{one_line, panic_message};
pub use process_memory::ProcessMemory;
pub use system_memory::host_memory;
