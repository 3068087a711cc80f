use sd_pipeline::{DType, DeviceInfo, Memory, Products};

/// How an engine computes.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The device.
    pub device: DeviceInfo,
    /// Precision of the networks.
    pub dtype: DType,
    /// How much memory each model may take.
    pub memory: Memory,
    /// How layers multiply whose weights have 8 bits; a model without such weights is refused if integers are wanted.
    pub products: Products,
    /// Number of loaded models that are kept, at least 1. The last used ones are.
    pub keep: usize,
}
