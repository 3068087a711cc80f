use std::fmt;

/// Why a request cannot be drawn, or a model cannot be opened as requested.
///
/// Messages name fields in backticks, as in "`steps` 3: the pndm sampler needs at least 4". A reason that begins with a colon follows the
/// field directly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`{}{reason}", if reason.starts_with(':') { "" } else { " " })]
pub struct RequestError {
    /// The field at fault.
    pub field: Field,
    /// What is wrong with the field, what was expected, and what to do.
    pub reason: String,
}

impl RequestError {
    /// Creates an error about a field.
    pub fn new(field: Field, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

/// A choice of the user about a model or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The request's `prompt`.
    Prompt,
    /// The request's `negative_prompt`.
    NegativePrompt,
    /// The request's `width`.
    Width,
    /// The request's `height`.
    Height,
    /// The request's `sampler`.
    Sampler,
    /// The request's `options`.
    Options,
    /// The request's `schedule`.
    Schedule,
    /// The request's `steps`.
    Steps,
    /// The request's `guidance`.
    Guidance,
    /// The request's `prompt_syntax`.
    PromptSyntax,
    /// The request's `clip_skip`.
    ClipSkip,
    /// One of the request's `regions`.
    Region,
    /// The original size of the request's `sizes`.
    OriginalSize,
    /// The crop of the request's `sizes`.
    Crop,
    /// The target size of the request's `sizes`.
    TargetSize,
    /// The original size of the request's `sizes` for the negative prompt.
    NegativeOriginalSize,
    /// The crop of the request's `sizes` for the negative prompt.
    NegativeCrop,
    /// The target size of the request's `sizes` for the negative prompt.
    NegativeTargetSize,
    /// The schedule of the request's guidance scales.
    GuidanceSchedule,
    /// The steps with guidance.
    GuidanceInterval,
    /// The rescaling of guided predictions.
    GuidanceRescale,
    /// CFG++.
    CfgPlusPlus,
    /// Adaptive projected guidance.
    Apg,
    /// Perturbed-attention guidance.
    Pag,
    /// Self-attention guidance.
    Sag,
    /// Dynamic thresholding.
    DynamicThreshold,
    /// Perpendicular negative prompts.
    PerpNeg,
    /// The request's `freeu`.
    FreeU,
    /// The request's `fast`.
    Fast,
    /// Deep features that later calls take from earlier ones.
    DeepCache,
    /// The share of the steps after which the text is no longer read.
    TextGate,
    /// The calls between two with guidance.
    GuidanceEvery,
    /// The share of pixels that self-attention merges.
    MergeTokens,
    /// The request's `latents`.
    Latents,
    /// The request's `init`.
    InitImage,
    /// The request's `strength`.
    Strength,
    /// The request's `inpaint`, or its mask.
    Mask,
    /// The blur of the request's mask.
    MaskBlur,
    /// The request's `outpaint`.
    Outpaint,
    /// The request's `image_guidance`.
    ImageGuidance,
    /// The request's `depth`.
    Depth,
    /// The seed of the request's `variation`.
    VariationSeed,
    /// The strength of the request's `variation`.
    VariationStrength,
    /// The request's `seamless`.
    Seamless,
    /// The size of a second pass.
    Hires,
    /// The request's `denoising_start`.
    DenoisingStart,
    /// The request's `denoising_end`.
    DenoisingEnd,
    /// A plan as a whole.
    Plan,
    /// The model itself.
    Model,
    /// [`Choices::prediction`](crate::Choices::prediction).
    Prediction,
    /// [`Choices::average`](crate::Choices::average).
    Average,
    /// [`Choices::vae`](crate::Choices::vae).
    Vae,
    /// A file of a [`TextualInversion`](crate::TextualInversion).
    Embedding,
    /// A [`Lora`](crate::Lora).
    Lora,
    /// A [`ControlFile`](crate::ControlFile).
    Control,
    /// An [`ImageAdapterFile`](crate::ImageAdapterFile).
    ImagePrompt,
    /// The request's `guess_mode`.
    GuessMode,
    /// A precision.
    Dtype,
    /// How much memory a model may take.
    Memory,
    /// Products of integers of 8 bits.
    Int8,
    /// A file or folder that is written.
    Output,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 61] = [
        Self::Prompt,
        Self::NegativePrompt,
        Self::Width,
        Self::Height,
        Self::Sampler,
        Self::Options,
        Self::Schedule,
        Self::Steps,
        Self::Guidance,
        Self::PromptSyntax,
        Self::ClipSkip,
        Self::Region,
        Self::OriginalSize,
        Self::Crop,
        Self::TargetSize,
        Self::NegativeOriginalSize,
        Self::NegativeCrop,
        Self::NegativeTargetSize,
        Self::GuidanceSchedule,
        Self::GuidanceInterval,
        Self::GuidanceRescale,
        Self::CfgPlusPlus,
        Self::Apg,
        Self::Pag,
        Self::Sag,
        Self::DynamicThreshold,
        Self::PerpNeg,
        Self::FreeU,
        Self::Fast,
        Self::DeepCache,
        Self::TextGate,
        Self::GuidanceEvery,
        Self::MergeTokens,
        Self::Latents,
        Self::InitImage,
        Self::Strength,
        Self::Mask,
        Self::MaskBlur,
        Self::Outpaint,
        Self::ImageGuidance,
        Self::Depth,
        Self::VariationSeed,
        Self::VariationStrength,
        Self::Seamless,
        Self::Hires,
        Self::DenoisingStart,
        Self::DenoisingEnd,
        Self::Plan,
        Self::Model,
        Self::Prediction,
        Self::Average,
        Self::Vae,
        Self::Embedding,
        Self::Lora,
        Self::Control,
        Self::ImagePrompt,
        Self::GuessMode,
        Self::Dtype,
        Self::Memory,
        Self::Int8,
        Self::Output,
    ];
}

/// The field's name in Rust.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prompt => "prompt",
            Self::NegativePrompt => "negative_prompt",
            Self::Width => "width",
            Self::Height => "height",
            Self::Sampler => "sampler",
            Self::Options => "options",
            Self::Schedule => "schedule",
            Self::Steps => "steps",
            Self::Guidance => "guidance",
            Self::PromptSyntax => "prompt_syntax",
            Self::ClipSkip => "clip_skip",
            Self::Region => "region",
            Self::OriginalSize => "original_size",
            Self::Crop => "crop",
            Self::TargetSize => "target_size",
            Self::NegativeOriginalSize => "negative_original_size",
            Self::NegativeCrop => "negative_crop",
            Self::NegativeTargetSize => "negative_target_size",
            Self::GuidanceSchedule => "guidance_schedule",
            Self::GuidanceInterval => "guidance_interval",
            Self::GuidanceRescale => "guidance_rescale",
            Self::CfgPlusPlus => "cfg_plus_plus",
            Self::Apg => "apg",
            Self::Pag => "pag",
            Self::Sag => "sag",
            Self::DynamicThreshold => "dynamic_threshold",
            Self::PerpNeg => "perp_neg",
            Self::FreeU => "freeu",
            Self::Fast => "fast",
            Self::DeepCache => "deep_cache",
            Self::TextGate => "text_gate",
            Self::GuidanceEvery => "guidance_every",
            Self::MergeTokens => "merge_tokens",
            Self::Latents => "latents",
            Self::InitImage => "init_image",
            Self::Strength => "strength",
            Self::Mask => "mask",
            Self::MaskBlur => "mask_blur",
            Self::Outpaint => "outpaint",
            Self::ImageGuidance => "image_guidance",
            Self::Depth => "depth",
            Self::VariationSeed => "variation_seed",
            Self::VariationStrength => "variation_strength",
            Self::Seamless => "seamless",
            Self::Hires => "hires",
            Self::DenoisingStart => "denoising_start",
            Self::DenoisingEnd => "denoising_end",
            Self::Plan => "plan",
            Self::Model => "model",
            Self::Prediction => "prediction",
            Self::Average => "average",
            Self::Vae => "vae",
            Self::Embedding => "embedding",
            Self::Lora => "lora",
            Self::Control => "control",
            Self::ImagePrompt => "image_prompt",
            Self::GuessMode => "guess_mode",
            Self::Dtype => "dtype",
            Self::Memory => "memory",
            Self::Int8 => "int8",
            Self::Output => "output",
        })
    }
}
