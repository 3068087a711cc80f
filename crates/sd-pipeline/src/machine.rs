//! What this machine has to compute with.

use std::panic::catch_unwind;

use burn::tensor::Device;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::device::{BACKENDS, Backend, crashes, is_processor};
use crate::{DType, Error, device_by_name, panic_words};

/// A device that this build can compute on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What [`device_by_name`](crate::device_by_name) takes.
    pub name: String,
    /// The processor or the card, as its driver calls it, or why the device cannot be used.
    pub hardware: String,
    /// What is computed with: the vectors of a processor, or what a card's kernels are compiled for.
    pub target: String,
    /// Whether it is a graphics card, and not a processor that acts as one.
    pub is_card: bool,
    /// Its memory in bytes, where the system says.
    pub memory: Option<u64>,
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
                target: String::new(),
                is_card: false,
                memory: None,
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
/// As [`device_by_name`], and [`Error::Backend`] where its driver fails.
pub fn device_info(name: &str) -> Result<DeviceInfo, Error> {
    catch_unwind(|| Ok(info(name, &device_by_name(name)?)))
        .unwrap_or_else(|panic| Err(Error::Backend(panic_words(&*panic))))
}

/// The graphics card with the largest memory, if this machine and this build have one, and else the processor.
///
/// # Errors
///
/// [`Error::Device`] for a build without any backend.
pub fn best_device() -> Result<DeviceInfo, Error> {
    let processors = devices_of(BACKENDS.into_iter().filter(|(backend, ..)| is_processor(backend)));
    let all = if may_have_card() || processors.is_empty() { devices() } else { processors };
    best_of(all).ok_or_else(|| Error::Device("this build has no backend: build with `--features flex`".into()))
}

/// Whether it is worth to wake the drivers, some of which complain where there is no card.
fn may_have_card() -> bool {
    let cards = ["/dev/dri", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg"];
    !cfg!(target_os = "linux") || cards.iter().any(|path| std::path::Path::new(path).exists())
}

fn best_of(devices: Vec<DeviceInfo>) -> Option<DeviceInfo> {
    // Of equals the first, in the order in which backends are listed: the processor's before a card's software driver.
    let worth = |info: &DeviceInfo| (info.is_card, info.is_card.then_some(info.memory));
    devices.into_iter().filter(|info| !info.precisions.is_empty()).rev().max_by_key(worth)
}

fn info(name: &str, device: &Device) -> DeviceInfo {
    let precisions = [DType::F32, DType::F16, DType::BF16];
    let works = |dtype: &DType| !crashes(device) && device.supports_dtype(dtype.float());
    let precisions = precisions.into_iter().filter(works).collect();
    let (hardware, target, is_card, memory) = card(device).unwrap_or_else(|| processor(name));
    DeviceInfo { name: name.to_string(), hardware, target, is_card, memory, precisions }
}

/// Name, target, whether it is a card, and memory.
type Hardware = (String, String, bool, Option<u64>);

#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm"))]
fn card(device: &Device) -> Option<Hardware> {
    let identity = device.identity()?;
    let address = identity.physical.as_ref().and_then(|card| card.pci_address).map(|address| address.to_string());
    let memory = address.and_then(|address| card_memory(&address));
    Some((identity.name, identity.fingerprint, identity.physical.is_some(), memory))
}

#[cfg(not(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")))]
fn card(_: &Device) -> Option<Hardware> {
    None
}

fn processor(name: &str) -> Hardware {
    let what = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(what.with_memory(MemoryRefreshKind::nothing().with_ram()));
    let memory = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory).min(system.total_memory());
    let brand = system.cpus().first().map(|cpu| cpu.brand().trim().to_string()).filter(|brand| !brand.is_empty());
    let vectors = if name == "flex" { vectors() } else { String::new() };
    (brand.unwrap_or_else(|| "processor".into()), vectors, false, (memory > 0).then_some(memory))
}

/// What our kernels are computed with.
fn vectors() -> String {
    #[cfg(feature = "flex")]
    return sd_ops::vectors().map(|vectors| format!("{vectors} vectors")).unwrap_or_default();
    #[cfg(not(feature = "flex"))]
    String::new()
}

/// Bytes of the card at an address of the PCI bus: Linux says for AMD's and Intel's, NVIDIA's program for theirs.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm"))]
fn card_memory(address: &str) -> Option<u64> {
    let folder = std::path::Path::new("/sys/bus/pci/devices").join(address);
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok();
    // So little is what a processor's own graphics have set aside; they also take of the rest.
    let shared = |own: u64| if own < 2 << 30 { own + file("mem_info_gtt_total").unwrap_or(0) } else { own };
    file("mem_info_vram_total").map(shared).or_else(|| file("lmem_total_bytes")).or_else(|| {
        let query = ["--query-gpu=memory.total", "--format=csv,noheader,nounits", "-i", address];
        let answer = std::process::Command::new("nvidia-smi").args(query).output().ok()?;
        let mebibytes: u64 = String::from_utf8(answer.stdout).ok()?.trim().parse().ok()?;
        mebibytes.checked_mul(1 << 20)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, is_card: bool, memory: Option<u64>) -> DeviceInfo {
        let precisions = vec![DType::F32];
        DeviceInfo { name: name.into(), hardware: String::new(), target: String::new(), is_card, memory, precisions }
    }

    fn best(devices: &[DeviceInfo]) -> Option<String> {
        best_of(devices.to_vec()).map(|info| info.name)
    }

    #[test]
    fn the_largest_card_is_the_best_and_else_the_processor() {
        let flex = device("flex", false, Some(64));
        let software = device("wgpu", false, Some(64));
        assert_eq!(best(&[flex.clone(), software.clone()]).as_deref(), Some("flex"));
        let (small, large) = (device("wgpu:0", true, None), device("wgpu:1", true, Some(8)));
        assert_eq!(best(&[flex.clone(), small.clone()]).as_deref(), Some("wgpu:0"));
        assert_eq!(best(&[flex.clone(), small.clone(), large.clone()]).as_deref(), Some("wgpu:1"));
        let lost = DeviceInfo { precisions: Vec::new(), ..large };
        assert_eq!(best(&[flex, small, lost]).as_deref(), Some("wgpu:0"));
        assert_eq!(best(&[]), None);
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_processor_is_listed_with_its_memory() {
        let all = devices();
        let flex = all.iter().find(|info| info.name == "flex").unwrap();
        assert!(!flex.is_card && !flex.hardware.is_empty() && flex.memory > Some(1 << 20), "{flex:?}");
        assert_eq!(flex.precisions, [DType::F32, DType::F16, DType::BF16]);
    }
}
