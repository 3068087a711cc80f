use std::fmt;

/// What a job can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A whole model.
    Model,
    /// A LoRA.
    Lora,
    /// A textual inversion.
    Embedding,
    /// An autoencoder.
    Vae,
    /// A network that enlarges images.
    Upscaler,
    /// A control network or an IP-Adapter.
    Control,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Model, Self::Lora, Self::Embedding, Self::Vae, Self::Upscaler, Self::Control];

    /// The name of the option that has the folder of this kind, as messages have it in backticks.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Lora => "lora_dir",
            Self::Embedding => "embedding_dir",
            Self::Vae => "vae_dir",
            Self::Upscaler => "upscaler_dir",
            Self::Control => "control_dir",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Lora => "LoRA",
            Self::Embedding => "textual inversion",
            Self::Vae => "autoencoder",
            Self::Upscaler => "upscaler",
            Self::Control => "control network",
        })
    }
}
