use burn::tensor::Device;

use crate::DeviceError;

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

/// Whether the device of this name is the processor itself, used without a driver.
pub fn is_processor(name: &str) -> bool {
    ["flex", "ndarray"].contains(&backend(name))
}

/// Whether the device of this name is the processor with the kernels of `sd-ops`.
pub fn is_flex(name: &str) -> bool {
    backend(name) == "flex"
}

/// The backend in a device's name.
fn backend(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// Defines one function per backend, which returns no devices if the backend is not compiled in.
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

/// Returns the device called `name`: a backend such as `flex`, or a backend and a device number from 0, as in `cuda:1`.
///
/// # Errors
///
/// [`DeviceError`] if the name is unknown, its backend is not compiled in, this machine has no such device, or its driver
/// would crash.
pub fn device_by_name(name: &str) -> Result<Device, DeviceError> {
    let (backend, index) = match name.split_once(':') {
        None => (name, 0),
        Some((backend, index)) => {
            let index =
                index.parse().map_err(|_| DeviceError::NotANumber { name: name.into(), backend: backend.into() })?;
            (backend, index)
        }
    };
    let Some((_, compiled, devices)) = BACKENDS.into_iter().find(|(known, ..)| *known == backend) else {
        let known = device_names().map(|(name, _)| name).collect();
        return Err(DeviceError::Unknown { name: name.into(), known });
    };
    if !compiled {
        return Err(DeviceError::NotCompiled { backend: backend.into() });
    }
    let devices = devices();
    let count = devices.len();
    let device = devices.into_iter().nth(index);
    let device = device.ok_or_else(|| DeviceError::NotFound { name: name.into(), count })?;
    #[cfg(feature = "vulkan")]
    if device.identity().is_some_and(|gpu| crashes(&gpu.name)) {
        return Err(DeviceError::Crashes { name: name.into() });
    }
    Ok(device)
}

/// Whether a kernel would crash the program on the GPU of this name. If a driver lacks
/// VK_KHR_workgroup_memory_explicit_layout, CubeCL 0.11 declares the shared memory of its `vulkan` kernels as a pointer to a
/// pointer. In a build with `vulkan`, `wgpu` uses the same kernels.
#[cfg(feature = "gpu")]
pub(crate) fn crashes(gpu: &str) -> bool {
    cfg!(feature = "vulkan") && gpu.starts_with("llvmpipe")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> String {
        device_by_name(name).unwrap_err().to_string()
    }

    #[test]
    fn the_error_for_an_unknown_device_lists_the_known_ones() {
        assert!(message("tpu").contains("flex, ndarray, wgpu"), "{}", message("tpu"));
    }

    #[test]
    fn the_error_for_a_missing_backend_names_its_feature() {
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
