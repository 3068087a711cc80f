use sd_train::{AdapterConfig, AdapterKind, Targets};
use serde::Deserialize;

/// The adapters of a model: the small changes that are trained instead of its weights.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraConfig {
    /// The form of the changes: `lora`, `dora`, `loha` or `lokr`.
    pub kind: KindName,
    /// The inner dimension of the matrices whose product a change is.
    pub rank: usize,
    /// Changes are multiplied by alpha over the rank; by default the rank, so that they are not.
    pub alpha: Option<f64>,
    /// The layers that are changed: `attention`, `transformer` or `all`.
    pub targets: TargetsName,
    /// Share of the rows of each change that are left out in a pass.
    pub dropout: f64,
    /// Whether the text encoder is changed too.
    pub text_encoder: bool,
}

/// The form of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindName {
    /// A product of two matrices (Hu et al. 2021); for convolutions, LoCon.
    Lora,
    /// The same with trained lengths of the rows (Liu et al. 2024).
    Dora,
    /// Two products, multiplied element by element (Hyeon-Woo et al. 2022).
    Loha,
    /// A Kronecker product (Edalati et al. 2022).
    Lokr,
}

/// The layers that are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetsName {
    /// The projections of the attention.
    Attention,
    /// All layers of the transformers.
    Transformer,
    /// Also the residual blocks and samplers of the U-Net.
    All,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            kind: KindName::Lora,
            rank: 16,
            alpha: None,
            targets: TargetsName::Attention,
            dropout: 0.0,
            text_encoder: false,
        }
    }
}

impl LoraConfig {
    /// Alpha, by default the rank.
    pub fn alpha(&self) -> f64 {
        self.alpha.unwrap_or(self.rank as f64)
    }

    /// Returns these settings as the config of a network's adapters.
    pub fn adapters(&self) -> AdapterConfig {
        AdapterConfig::new(self.rank, self.alpha()).with_kind(self.kind.into()).with_targets(self.targets.into())
    }

    /// Checks the numbers.
    ///
    /// # Errors
    ///
    /// The key, its value and what was expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.rank == 0 {
            return Err("`lora.rank` is 0, expected at least 1".into());
        }
        let alpha = self.alpha();
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(format!("`lora.alpha` is {alpha}, expected a number above 0"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(format!("`lora.dropout` is {}, expected a number from 0 to below 1", self.dropout));
        }
        Ok(())
    }
}

impl From<KindName> for AdapterKind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Lora => Self::Lora,
            KindName::Dora => Self::Dora,
            KindName::Loha => Self::LoHa,
            KindName::Lokr => Self::LoKr,
        }
    }
}

impl From<TargetsName> for Targets {
    fn from(name: TargetsName) -> Self {
        match name {
            TargetsName::Attention => Self::Attention,
            TargetsName::Transformer => Self::Transformer,
            TargetsName::All => Self::All,
        }
    }
}
