mod graph;
mod pass;
mod passes;
mod prompts;

use self::graph::Graph;
use crate::Parameters;

/// What a graph of ComfyUI says, in AUTOMATIC1111's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ComfyUi {
    /// The prompts and settings. LoRAs are tags in the prompt, as `<lora:name:0.8>`.
    pub parameters: Parameters,
    /// What the graph has and the settings cannot say, a line each.
    pub unclear: Vec<String>,
}

/// Why a graph cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComfyUiError {
    /// It is no JSON.
    #[error("the graph is not JSON: {0}")]
    Json(String),
    /// It is a workflow of the page.
    #[error(
        "this is a workflow of ComfyUI's page, expected the graph of its API: the text `prompt` of an image, or Export (API)"
    )]
    Workflow,
    /// It is other JSON.
    #[error("this is no graph of ComfyUI: it has no nodes with a `class_type`")]
    NoGraph,
    /// It has too many nodes.
    #[error("the graph has {0} nodes, expected at most {1}")]
    TooLarge(usize, usize),
    /// It draws nothing, or nothing that can be followed.
    #[error("no sampler leads to an image: this graph draws with nodes that are not known")]
    NoSampler,
}

impl ComfyUi {
    /// Reads a graph in the form of ComfyUI's API, which is the text `prompt` of its images.
    ///
    /// From the saved image, links are followed back to the samplers, and from there to the checkpoint, its LoRAs, the autoencoder,
    /// the prompts and the size. A second sampler on an enlarged image is AUTOMATIC1111's "Hires", and one that continues with
    /// another checkpoint its refiner. Nodes of extensions are followed where they have one way on, and are named in
    /// [`unclear`](Self::unclear).
    ///
    /// # Errors
    ///
    /// [`ComfyUiError`].
    pub fn parse(text: &str) -> Result<Self, ComfyUiError> {
        let mut found = passes::read(&Graph::parse(text)?)?;
        let mut seen = std::collections::HashSet::new();
        found.unclear.retain(|line| seen.insert(line.clone()));
        Ok(found)
    }
}
