use std::fmt;

/// What a file of a control network holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlKind {
    /// A ControlNet (Zhang et al. 2023).
    Net,
    /// A ControlNet, of which each tensor that the model's U-Net has too is stored as the difference to it.
    Difference,
    /// A ControlNet whose weights are those of the model's U-Net plus products of low rank.
    Lora,
    /// A ControlNet for several conditions.
    Union,
    /// A T2I-Adapter (Mou et al. 2023).
    Adapter,
}

/// What it is, in words.
impl fmt::Display for ControlKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Net => "ControlNet",
            Self::Difference => "ControlNet, as a difference to a U-Net",
            Self::Lora => "Control-LoRA",
            Self::Union => "ControlNet for several conditions (union)",
            Self::Adapter => "T2I-Adapter",
        })
    }
}

impl ControlKind {
    /// Whether its weights are those of the model's U-Net, with changes.
    pub fn needs_unet(self) -> bool {
        matches!(self, Self::Difference | Self::Lora)
    }
}

/// Whose names the tensors of a control network have in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlLayout {
    /// diffusers': `controlnet_cond_embedding`, `down_blocks`, …
    Diffusers,
    /// The original programs': `input_hint_block`, `input_blocks`, …
    Original,
}

/// The program's name, in words.
impl fmt::Display for ControlLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Diffusers => "diffusers",
            Self::Original => "original",
        })
    }
}
