//! The adapters of the set `adapters` in sd-golden.

use burn::tensor::{Device, FloatDType};
use sd_adapters::{
    FullProjectionConfig, ImageAdapter, ImageAdapterConfig, ImageProjectionConfig, KeysValuesConfig, LayerCounts,
    ProjectionConfig, ResamplerConfig, T2iAdapterConfig,
};
use sd_golden::{write_listed, write_weights};
use sd_weights::{Weights, control};
use tempfile::TempDir;

/// A T2I-Adapter with a file of its weights under the names of diffusers.
pub struct T2i {
    pub name: &'static str,
    pub config: T2iAdapterConfig,
    /// Height and width of the drawing.
    pub size: [usize; 2],
    pub folder: TempDir,
}

pub fn t2i_adapters() -> [T2i; 3] {
    let full = T2iAdapterConfig { channels: vec![8, 12, 16, 16], ..T2iAdapterConfig::full(3) };
    let full_xl = T2iAdapterConfig { channels: full.channels.clone(), ..T2iAdapterConfig::full_xl(1) };
    let light = T2iAdapterConfig { channels: vec![8, 12, 16], num_res_blocks: 3, ..T2iAdapterConfig::light(3) };
    [("t2i_full", full, [40, 72]), ("t2i_full_xl", full_xl, [48, 80]), ("t2i_light", light, [40, 72])].map(
        |(name, config, size)| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("diffusers.safetensors");
            write_weights("adapters", name, &config.init(&Device::flex()), &file);
            T2i { name, config, size, folder }
        },
    )
}

/// An IP-Adapter with a file of its weights under the original names.
pub struct Ip {
    pub name: &'static str,
    pub config: ImageAdapterConfig,
    pub weights: Weights,
    pub _folder: TempDir,
}

impl Ip {
    fn new(name: &'static str, projection: ProjectionConfig, keys_values: KeysValuesConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("original.safetensors");
        write_listed("adapters", name, &file);
        let weights = control::image_adapter(&Weights::in_file(&file).unwrap()).unwrap();
        Self { name, config: ImageAdapterConfig { projection, keys_values }, weights, _folder: folder }
    }

    pub fn load(&self, device: &Device) -> ImageAdapter {
        self.weights.load(self.config.init(device), FloatDType::F32).unwrap()
    }
}

pub fn image_adapters() -> [Ip; 4] {
    let sd1 = KeysValuesConfig {
        token_width: 32,
        channels: [vec![16; 2], vec![32; 4], vec![32; 6], vec![16; 3], vec![32]].concat(),
        counts: LayerCounts { down: 6, middle: 1, up: 9 },
    };
    let counts = LayerCounts { down: 6, middle: 2, up: 9 };
    let xl = KeysValuesConfig { token_width: 72, channels: vec![32; 17], counts };
    let plain = ImageProjectionConfig { image_width: 20, token_width: 32, tokens: 4 };
    let plus = ResamplerConfig { image_width: 20, width: 24, token_width: 32, tokens: 3, layers: 4, heads: 2 };
    let full = FullProjectionConfig { image_width: 20, token_width: 32 };
    let plus_xl = ResamplerConfig { width: 28, token_width: 72, tokens: 4, heads: 1, ..plus };
    [
        Ip::new("ip_plain", ProjectionConfig::Plain(plain), sd1.clone()),
        Ip::new("ip_plus", ProjectionConfig::Plus(plus), sd1.clone()),
        Ip::new("ip_full", ProjectionConfig::Full(full), sd1),
        Ip::new("ip_plus_xl", ProjectionConfig::Plus(plus_xl), xl),
    ]
}
