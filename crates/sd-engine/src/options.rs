use sd_pipeline::{DType, DeviceInfo};

/// How an engine computes.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The device.
    pub device: DeviceInfo,
    /// Precision of the networks.
    pub dtype: DType,
    /// Number of loaded models that are kept, at least 1. The last used ones are.
    pub keep: usize,
}
