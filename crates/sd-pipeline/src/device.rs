use std::fmt;

use burn::tensor::{Device, FloatDType};
use sd_weights::Precision;

use crate::Error;

/// The precision of the networks' weights and arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// Single precision.
    F32,
    /// Half precision: half the memory; the autoencoder stays in single precision where its config asks for it. On the CPU
    /// it is the weights' alone.
    F16,
    /// Half precision with the range of single. On the CPU it is the weights' alone, and the autoencoder stays in single;
    /// what is multiplied with them is rounded too where the processor is faster so (AMD's with AVX-512 BF16).
    BF16,
}

impl DType {
    /// The precision of parameters on a device: weights alone are halved where all else is faster in single.
    pub(crate) fn on(self, device: &Device) -> Precision {
        let rest = if sd_ops::takes_half_weights(device) { FloatDType::F32 } else { self.float() };
        Precision { weights: self.float(), rest }
    }

    pub(crate) fn float(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F16 => FloatDType::F16,
            Self::BF16 => FloatDType::BF16,
        }
    }

    pub(crate) fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

/// As the command line spells it.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
        })
    }
}

/// A backend: its name, whether this build has it, and its devices on this machine.
pub(crate) type Backend = (&'static str, bool, fn() -> Vec<Device>);

pub(crate) const BACKENDS: [Backend; 7] = [
    ("flex", cfg!(feature = "flex"), flex),
    ("ndarray", cfg!(feature = "ndarray"), ndarray),
    ("wgpu", cfg!(feature = "wgpu"), wgpu),
    ("vulkan", cfg!(feature = "vulkan"), vulkan),
    ("metal", cfg!(feature = "metal"), metal),
    ("cuda", cfg!(feature = "cuda"), cuda),
    ("rocm", cfg!(feature = "rocm"), rocm),
];

/// Whether a device of this name is computed by the processor itself, without a driver.
pub fn is_processor(name: &str) -> bool {
    ["flex", "ndarray"].contains(&name.split(':').next().unwrap_or(name))
}

/// One function per backend, empty where it is not compiled in.
macro_rules! devices {
    ($($name:ident $feature:literal $device:ident;)*) => {$(
        fn $name() -> Vec<Device> {
            #[cfg(feature = $feature)]
            return Device::enumerate(burn::tensor::DeviceType::$device).into_vec();
            #[cfg(not(feature = $feature))]
            Vec::new()
        }
    )*};
}

devices! {
    flex "flex" Flex;
    ndarray "ndarray" NdArray;
    wgpu "wgpu" Wgpu;
    vulkan "vulkan" Vulkan;
    metal "metal" Metal;
    cuda "cuda" Cuda;
    rocm "rocm" Rocm;
}

/// The names of the backends, with whether each is compiled into this build.
pub fn device_names() -> impl Iterator<Item = (&'static str, bool)> {
    BACKENDS.into_iter().map(|(name, compiled, _)| (name, compiled))
}

/// The device called `name`: a backend, or a backend, a colon and which of its devices, counted from 0.
///
/// # Errors
///
/// [`Error::Device`] for a name that is unknown, not compiled in, or not on this machine, and for a driver that would crash.
pub fn device_by_name(name: &str) -> Result<Device, Error> {
    let (backend, index) = match name.split_once(':') {
        None => (name, 0),
        Some((backend, index)) => {
            let index = index.parse().map_err(|_| {
                Error::Device(format!("device `{name}`: after the colon comes a number, as in {backend}:0"))
            })?;
            (backend, index)
        }
    };
    let Some((_, compiled, devices)) = BACKENDS.into_iter().find(|(known, ..)| *known == backend) else {
        let known: Vec<&str> = device_names().map(|(name, _)| name).collect();
        return Err(Error::Device(format!("unknown device `{name}`; there are {}", known.join(", "))));
    };
    if !compiled {
        return Err(Error::Device(format!(
            "device `{backend}` is not in this build: build with `--features {backend}`, or let `cargo xtask generate --device {backend}` do it"
        )));
    }
    let devices = devices();
    let count = devices.len();
    let device = devices.into_iter().nth(index).ok_or_else(|| {
        let found = match count {
            0 => "none was found on this machine; check its driver".to_string(),
            1 => "this machine has one, number 0".to_string(),
            n => format!("this machine has {n}, numbers 0 to {}", n - 1),
        };
        Error::Device(format!("device `{name}` does not exist: {found}"))
    })?;
    #[cfg(feature = "vulkan")]
    if device.identity().is_some_and(|card| crashes(&card.name)) {
        return Err(Error::Device(format!(
            "device `{name}` is Mesa's software driver, which crashes in a build with `vulkan`: build with `wgpu` alone, or take flex"
        )));
    }
    Ok(device)
}

/// Whether a kernel would end the program on the card of this name. Where a driver lacks
/// VK_KHR_workgroup_memory_explicit_layout, CubeCL 0.11 declares shared memory of its kernels for `vulkan`, which `wgpu` then
/// takes too, as a pointer to a pointer.
#[cfg(feature = "card")]
pub(crate) fn crashes(card: &str) -> bool {
    cfg!(feature = "vulkan") && card.starts_with("llvmpipe")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> String {
        device_by_name(name).unwrap_err().to_string()
    }

    #[test]
    fn unknown_devices_are_answered_with_the_known_ones() {
        assert!(message("tpu").contains("flex, ndarray, wgpu"), "{}", message("tpu"));
    }

    #[test]
    fn a_device_that_is_not_compiled_in_names_its_feature() {
        assert!(message("rocm").contains("--features rocm"), "{}", message("rocm"));
    }

    #[cfg(feature = "flex")]
    #[test]
    fn device_numbers_are_checked() {
        assert!(device_by_name("flex:0").is_ok());
        assert!(message("flex:1").contains("has one"), "{}", message("flex:1"));
        assert!(message("flex:x").contains("flex:0"), "{}", message("flex:x"));
    }
}
