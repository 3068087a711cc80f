//! What this machine has to compute with.

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
    /// What [`device_by_name`](crate::device_by_name) takes.
    pub name: String,
    /// The processor or the GPU, as its driver calls it, or why the device cannot be used.
    pub hardware: String,
    /// What is computed with: a GPU's driver and its version, or a processor's vectors and why these.
    pub driver: String,
    /// What kind of hardware it is.
    pub kind: DeviceKind,
    /// Its memory in bytes, where the system says.
    pub memory: Option<u64>,
    /// How much of it could be had when this was asked, where the system says: with what the kernel would free for it.
    pub available: Option<u64>,
    /// The most bytes that one tensor can have, where there is a limit.
    pub largest_tensor: Option<u64>,
    /// The precisions that networks can have on it; none where the device cannot be used.
    pub precisions: Vec<DType>,
}

/// All devices of all backends in this build. This opens each of them.
pub fn devices() -> Vec<DeviceInfo> {
    devices_of(BACKENDS)
}

fn devices_of(backends: impl IntoIterator<Item = Backend>) -> Vec<DeviceInfo> {
    let mut all = Vec::new();
    for (backend, _, devices) in backends {
        // A driver that is damaged may give up in any way, and is not to hide the other devices.
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

/// What is known of the device called `name`.
///
/// # Errors
///
/// As [`device_by_name`], and [`DeviceError::Driver`] where its driver fails.
pub fn device_info(name: &str) -> Result<DeviceInfo, DeviceError> {
    catch_unwind(|| Ok(info(name, &device_by_name(name)?)))
        .unwrap_or_else(|panic| Err(DeviceError::Driver(panic_message(&*panic))))
}

/// The GPU with the largest memory, if this machine and this build have one, else graphics within the processor, and
/// else the processor.
///
/// # Errors
///
/// [`DeviceError::NoBackend`] for a build without any backend.
pub fn best_device() -> Result<DeviceInfo, DeviceError> {
    let processors = devices_of(BACKENDS.into_iter().filter(|(backend, ..)| is_processor(backend)));
    let all = if may_have_gpu() || processors.is_empty() { devices() } else { processors };
    best_of(all).ok_or(DeviceError::NoBackend)
}

/// Whether it is worth to wake the drivers, some of which complain where there is no GPU.
fn may_have_gpu() -> bool {
    let gpus = ["/dev/dri", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg"];
    !cfg!(target_os = "linux") || gpus.iter().any(|path| std::path::Path::new(path).exists())
}

fn best_of(devices: Vec<DeviceInfo>) -> Option<DeviceInfo> {
    let usable = devices.into_iter().filter(|info| !info.precisions.is_empty());
    // Of a GPU that several backends reach the last listed, which is its maker's own; of processors the first.
    let worth = |(place, info): &(usize, DeviceInfo)| match info.kind {
        DeviceKind::Processor => (info.kind, None, usize::MAX - place),
        kind => (kind, info.memory, *place),
    };
    usable.enumerate().max_by_key(worth).map(|(_, info)| info)
}

fn info(name: &str, device: &Device) -> DeviceInfo {
    let precisions = [DType::F32, DType::F16, DType::BF16];
    #[cfg(feature = "gpu")]
    if let Some(gpu) = Gpu::of(device) {
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
        // What is larger than all memory, on disk too, the system gives to nobody.
        largest_tensor: memory.map(|memory| memory.total.saturating_add(memory.swap)),
        precisions: Vec::new(),
    }
}

/// What our kernels are computed with.
fn vectors() -> String {
    #[cfg(feature = "flex")]
    return sd_ops::vectors().map(|Vectors { name, reason }| format!("{name} vectors: {reason}")).unwrap_or_default();
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
        best_of(devices.to_vec()).map(|info| info.name)
    }

    #[test]
    fn the_largest_gpu_is_the_best_and_else_the_processor() {
        let flex = device("flex", DeviceKind::Processor, Some(64));
        let software = device("wgpu", DeviceKind::Processor, Some(64));
        assert_eq!(best(&[flex.clone(), software]).as_deref(), Some("flex"));
        let [small, large] = [None, Some(8)].map(|memory| device("small", DeviceKind::Discrete, memory));
        let large = DeviceInfo { name: "large".into(), ..large };
        assert_eq!(best(&[flex.clone(), small.clone()]).as_deref(), Some("small"));
        assert_eq!(best(&[flex.clone(), large.clone(), small.clone()]).as_deref(), Some("large"));
        // Much memory is not what makes it fast.
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
