//! Properties that a GPU and its driver report.

use std::cell::LazyCell;
use std::path::Path;
use std::process::Command;

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::device::WgpuDeviceKind;

use crate::kind::DeviceKind;

pub struct Gpu {
    pub name: String,
    /// The driver with its version; empty if unknown.
    pub driver: String,
    pub kind: DeviceKind,
    /// In bytes.
    pub memory: Option<u64>,
    /// Largest size of one tensor in bytes.
    pub largest_tensor: u64,
}

impl Gpu {
    /// Opens a device and returns the GPU behind it, if it is one.
    pub fn from_device(device: &Device) -> Option<Self> {
        let DispatchDevice::Cube(cube) = device.as_dispatch() else { return None };
        let client = cube.client();
        let properties = client.properties();
        let identity = &properties.identity;
        let address = identity.physical.as_ref().and_then(|gpu| gpu.pci_address).map(|address| address.to_string());
        let nvidia = LazyCell::new(|| address.as_deref().and_then(query_nvidia));
        let kind = match (&identity.physical, cube) {
            (None, _) => DeviceKind::Processor,
            (_, CubeDevice::Wgpu(wgpu)) if matches!(wgpu.kind, WgpuDeviceKind::IntegratedGpu(_)) => {
                DeviceKind::Integrated
            }
            _ => DeviceKind::Discrete,
        };
        // Two backends for the same GPU must report the same memory, so the system's figure takes precedence.
        let reported = properties.memory.max_memory().filter(|_| kind != DeviceKind::Processor);
        let memory = address.as_deref().and_then(linux_memory).or_else(|| Some(nvidia.as_ref()?.0)).or(reported);
        Some(Self {
            name: identity.name.clone(),
            driver: driver(&identity.name).or_else(|| Some(nvidia.as_ref()?.1.clone())).unwrap_or_default(),
            kind,
            memory,
            // Kernels count a tensor's values in 32 bits, and a value has at most four bytes.
            largest_tensor: properties.memory.max_page_size.min(u64::from(u32::MAX) * 4),
        })
    }
}

/// The driver of the GPU of this name, as graphics drivers report it.
#[cfg(feature = "graphics")]
fn driver(name: &str) -> Option<String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = burn_cubecl::cubecl::future::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let info = adapters.iter().map(wgpu::Adapter::get_info).find(|info| info.name == name)?;
    let words = [info.driver, info.driver_info, info.backend.to_string()];
    Some(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", "))
}

#[cfg(not(feature = "graphics"))]
fn driver(_: &str) -> Option<String> {
    None
}

/// Bytes of memory of the AMD or Intel GPU at a PCI address, as Linux reports them.
fn linux_memory(address: &str) -> Option<u64> {
    let folder = Path::new("/sys/bus/pci/devices").join(address);
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok();
    // So little memory is what integrated graphics reserve; they also use the system's.
    let shared = |own: u64| if own < 2 << 30 { own + file("mem_info_gtt_total").unwrap_or(0) } else { own };
    file("mem_info_vram_total").map(shared).or_else(|| file("lmem_total_bytes"))
}

/// Bytes of memory and driver of the NVIDIA GPU at a PCI address.
fn query_nvidia(address: &str) -> Option<(u64, String)> {
    let query = ["--query-gpu=memory.total,driver_version", "--format=csv,noheader,nounits", "-i", address];
    let answer = Command::new("nvidia-smi").args(query).output().ok()?;
    let answer = String::from_utf8(answer.stdout).ok()?;
    let (mebibytes, driver) = answer.trim().split_once(", ")?;
    Some((mebibytes.parse::<u64>().ok()?.checked_mul(1 << 20)?, format!("NVIDIA, {driver}")))
}
