//! One sampler of a graph, with what it is given.

use super::graph::Node;

/// A node that samples, and the nodes that its inputs come from.
#[derive(Clone, Copy)]
pub struct Pass<'g> {
    pub node: Node<'g>,
    /// Where the guidance and the prompts are.
    guider: Node<'g>,
    /// Where the steps are.
    scheduler: Node<'g>,
    /// Where the sampler's name is.
    sampler: Node<'g>,
    /// Where the seed is.
    noise: Node<'g>,
}

impl<'g> Pass<'g> {
    /// Reads `KSampler` and its relatives, and `SamplerCustom` and its.
    pub fn of(node: Node<'g>) -> Option<Self> {
        let part = |input: &str| node.linked(input).unwrap_or(node);
        let pass = Self {
            node,
            guider: part("guider"),
            scheduler: part("sigmas"),
            sampler: part("sampler"),
            noise: part("noise"),
        };
        let samples = node.linked("latent_image").is_some() || node.linked("latent").is_some();
        (samples && pass.sampler.text("sampler_name").is_some()).then_some(pass)
    }

    pub fn seed(self) -> Option<u64> {
        self.noise.integer("seed").or_else(|| self.noise.integer("noise_seed"))
    }

    pub fn steps(self) -> Option<u64> {
        self.scheduler.integer("steps")
    }

    pub fn guidance(self) -> Option<f64> {
        self.guider.number("cfg")
    }

    /// The sampler's name, and that of its noise levels, both as ComfyUI has them.
    pub fn sampling(self) -> (Option<&'g str>, Option<&'g str>) {
        (self.sampler.text("sampler_name"), self.scheduler.text("scheduler"))
    }

    /// The share of steps that are made.
    pub fn strength(self) -> f64 {
        let all = self.steps().unwrap_or(0).max(1) as f64;
        match self.node.integer("start_at_step") {
            Some(start) => 1.0 - (start as f64 / all).min(1.0),
            None => self.scheduler.number("denoise").unwrap_or(1.0),
        }
    }

    /// The step at which it ends before its last.
    pub fn end(self) -> Option<u64> {
        self.node.integer("end_at_step").filter(|end| self.steps().is_some_and(|steps| *end < steps))
    }

    /// Whether it goes on where another one ended, without noise of its own.
    pub fn continues(self) -> bool {
        self.node.integer("start_at_step").is_some_and(|start| start > 0)
    }

    /// The latents that it starts from.
    pub fn start(self) -> Option<Node<'g>> {
        self.node.linked("latent_image").or_else(|| self.node.linked("latent"))
    }

    /// The node whose input `model` is the network.
    pub fn network(self) -> Node<'g> {
        self.guider
    }

    /// The node that gives a prompt, with its output: `positive` or `negative`.
    pub fn prompt(self, which: &str) -> Option<(Node<'g>, u64)> {
        let alone = || (which == "positive").then(|| self.guider.link("conditioning")).flatten();
        self.guider.link(which).or_else(alone)
    }
}
