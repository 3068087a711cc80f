//! The devices of this machine.

use std::panic::catch_unwind;

use burn::tensor::Device;
#[cfg(feature = "flex")]
use sd_ops::Vectors;
use sysinfo::{CpuRefreshKind, RefreshKind, System};

#[cfg(feature = "gpu")]
use crate::backend::crashes;
use crate::backend::{BACKENDS, Backend, is_processor};
#[cfg(feature = "gpu")]
use crate::gpu::Gpu;
use crate::kind::DeviceKind;
use crate::system_memory::SystemMemory;
use crate::{DType, DeviceError, device_by_name, panic_message};

/// A device that this build can compute on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Name to pass to [`device_by_name`](crate::device_by_name).
    pub name: String,
    /// Name of the processor or GPU as its driver reports it, or why the device cannot be used.
    pub hardware: String,
    /// A GPU's driver and its version, or a processor's vector instructions and why they were chosen.
    pub driver: String,
    /// Kind of hardware.
    pub kind: DeviceKind,
    /// Memory in bytes, if the system reports it.
    pub memory: Option<u64>,
    /// Available memory in bytes at the time of the query, including what the kernel would free; `None` if unknown.
    pub available: Option<u64>,
    /// Largest size of one tensor in bytes, if there is a limit.
    pub largest_tensor: Option<u64>,
    /// Precisions that networks can have on this device; empty if the device cannot be used.
    pub precisions: Vec<DType>,
}

/// Opens and lists all devices of all backends in this build.
pub fn devices() -> Vec<DeviceInfo> {
    list(BACKENDS)
}

fn list(backends: impl IntoIterator<Item = Backend>) -> Vec<DeviceInfo> {
    let mut all = Vec::new();
    for (backend, _, devices) in backends {
        // A broken driver can fail in any way and must not hide the other devices.
        let found = catch_unwind(devices).unwrap_or_default();
        let is_one = found.len() == 1;
        for (i, device) in found.iter().enumerate() {
            let name = if is_one { backend.to_string() } else { format!("{backend}:{i}") };
            all.push(catch_unwind(|| info(&name, device)).unwrap_or_else(|_| DeviceInfo {
                name,
                hardware: "its driver failed".into(),
                driver: String::new(),
                kind: DeviceKind::Processor,
                memory: None,
                available: None,
                largest_tensor: None,
                precisions: Vec::new(),
            }));
        }
    }
    all
}

/// Returns a description of the device called `name`.
///
/// # Errors
///
/// Those of [`device_by_name`], and [`DeviceError::Driver`] if the driver fails.
pub fn device_info(name: &str) -> Result<DeviceInfo, DeviceError> {
    catch_unwind(|| Ok(info(name, &device_by_name(name)?)))
        .unwrap_or_else(|panic| Err(DeviceError::Driver(panic_message(&*panic))))
}

/// Returns the GPU with the most memory; without a GPU, integrated graphics; without either, the processor.
///
/// # Errors
///
/// [`DeviceError::NoBackend`] if the build has no backend.
pub fn best_device() -> Result<DeviceInfo, DeviceError> {
    let processors = list(BACKENDS.into_iter().filter(|(backend, ..)| is_processor(backend)));
    let all = if may_have_gpu() || processors.is_empty() { devices() } else { processors };
    best(all).ok_or(DeviceError::NoBackend)
}

/// Whether the GPU drivers are worth opening: some of them print complaints if there is no GPU.
fn may_have_gpu() -> bool {
    let gpus = ["/dev/dri", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg"];
    !cfg!(target_os = "linux") || gpus.iter().any(|path| std::path::Path::new(path).exists())
}

fn best(devices: Vec<DeviceInfo>) -> Option<DeviceInfo> {
    let usable = devices.into_iter().filter(|info| !info.precisions.is_empty());
    // If several backends reach the same GPU, take the last listed, its maker's own; among processors, take the first.
    let worth = |(place, info): &(usize, DeviceInfo)| match info.kind {
        DeviceKind::Processor => (info.kind, None, usize::MAX - place),
        kind => (kind, info.memory, *place),
    };
    usable.enumerate().max_by_key(worth).map(|(_, info)| info)
}

fn info(name: &str, device: &Device) -> DeviceInfo {
    let precisions = [DType::F32, DType::F16, DType::BF16];
    #[cfg(feature = "gpu")]
    if let Some(gpu) = Gpu::from_device(device) {
        let works = |dtype: &DType| !crashes(&gpu.name) && device.supports_dtype(dtype.float());
        let note = if crashes(&gpu.name) { ": crashes in a build with `vulkan`" } else { "" };
        let shared = (gpu.kind == DeviceKind::Processor).then(SystemMemory::read).flatten();
        return DeviceInfo {
            name: name.to_string(),
            hardware: format!("{}{note}", gpu.name),
            driver: gpu.driver,
            kind: gpu.kind,
            memory: gpu.memory,
            available: shared.map(|memory| memory.available),
            largest_tensor: Some(gpu.largest_tensor),
            precisions: precisions.into_iter().filter(works).collect(),
        };
    }
    let precisions = precisions.into_iter().filter(|dtype| device.supports_dtype(dtype.float()));
    DeviceInfo { precisions: precisions.collect(), ..processor(name) }
}

fn processor(name: &str) -> DeviceInfo {
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    let memory = SystemMemory::read();
    let brand = system.cpus().first().map(|cpu| cpu.brand().trim().to_string()).filter(|brand| !brand.is_empty());
    DeviceInfo {
        name: name.to_string(),
        hardware: brand.unwrap_or_else(|| "processor".into()),
        driver: if name == "flex" { vectors() } else { String::new() },
        kind: DeviceKind::Processor,
        memory: memory.map(|memory| memory.total),
        available: memory.map(|memory| memory.available),
        // The system never grants more than all memory and swap together.
        largest_tensor: memory.map(|memory| memory.total.saturating_add(memory.swap)),
        precisions: Vec::new(),
    }
}

/// The vector instructions that the kernels use, and why, and those for products of integers.
fn vectors() -> String {
    #[cfg(feature = "flex")]
    return sd_ops::vectors().map_or(String::new(), |Vectors { name, reason }| {
        let int8 = sd_ops::int8_instructions().map_or(String::new(), |name| format!("; {name} for int8"));
        format!("{name} vectors: {reason}{int8}")
    });
    #[cfg(not(feature = "flex"))]
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, kind: DeviceKind, memory: Option<u64>) -> DeviceInfo {
        DeviceInfo { kind, memory, precisions: vec![DType::F32], ..processor(name) }
    }

    fn best(devices: &[DeviceInfo]) -> Option<String> {
        super::best(devices.to_vec()).map(|info| info.name)
    }

    #[test]
    fn the_largest_gpu_is_the_best_and_without_one_the_processor() {
        let flex = device("flex", DeviceKind::Processor, Some(64));
        let software = device("wgpu", DeviceKind::Processor, Some(64));
        assert_eq!(best(&[flex.clone(), software]).as_deref(), Some("flex"));
        let [small, large] = [None, Some(8)].map(|memory| device("small", DeviceKind::Discrete, memory));
        let large = DeviceInfo { name: "large".into(), ..large };
        assert_eq!(best(&[flex.clone(), small.clone()]).as_deref(), Some("small"));
        assert_eq!(best(&[flex.clone(), large.clone(), small.clone()]).as_deref(), Some("large"));
        // Integrated graphics with more memory are still slower than a GPU.
        let integrated = device("integrated", DeviceKind::Integrated, Some(32));
        assert_eq!(best(&[flex.clone(), integrated.clone()]).as_deref(), Some("integrated"));
        assert_eq!(best(&[flex.clone(), integrated, large.clone()]).as_deref(), Some("large"));
        let cuda = DeviceInfo { name: "cuda".into(), ..large.clone() };
        assert_eq!(best(&[large.clone(), cuda]).as_deref(), Some("cuda"));
        let lost = DeviceInfo { precisions: Vec::new(), ..large };
        assert_eq!(best(&[flex, small, lost]).as_deref(), Some("small"));
        assert_eq!(best(&[]), None);
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_processor_is_listed_with_its_memory() {
        let all = devices();
        let flex = all.iter().find(|info| info.name == "flex").unwrap();
        assert!(
            flex.kind == DeviceKind::Processor && !flex.hardware.is_empty() && flex.memory > Some(1 << 20),
            "{flex:?}"
        );
        assert!(
            flex.available.is_some() && flex.available <= flex.memory && flex.memory <= flex.largest_tensor,
            "{flex:?}"
        );
        assert_eq!(flex.precisions, [DType::F32, DType::F16, DType::BF16]);
    }
}
