//! From a saved image to its samplers, and from these to settings.

use std::collections::HashSet;

use super::graph::{Graph, Node};
use super::pass::Pass;
use super::{ComfyUi, ComfyUiError, prompts};
use crate::{sampler_label, sampling, schedule_label};

/// The inputs along which images and latents come.
const IMAGES: &[&str] =
    &["images", "image", "samples", "pixels", "latent_image", "latent", "input_image", "upscaled_image"];

/// Reads the settings of a graph.
pub fn read(graph: &Graph) -> Result<ComfyUi, ComfyUiError> {
    let (saved, passes, others) = drawn(graph).ok_or(ComfyUiError::NoSampler)?;
    let mut found = ComfyUi::default();
    if others > 0 {
        found.unclear.push(format!("which of {} images of the graph this is; the first is taken", others + 1));
    }
    let last = passes[0];
    let first = passes[passes.len() - 1];
    found.sampling(first);
    found.size(first);
    found.prompts(first);
    found.model(first);
    found.vae(saved, first);
    match passes.as_slice() {
        [_] => {}
        [_, _] if last.continues() => found.refiner(last, first),
        [_, _] => found.hires(last),
        more => {
            found.hires(last);
            found.unclear.push(format!("{} samplers, one after another; the first and the last are taken", more.len()));
        }
    }
    Ok(found)
}

/// The node that saves the image, its samplers from the last to the first, and how many other images the graph draws.
fn drawn(graph: &Graph) -> Option<(Node<'_>, Vec<Pass<'_>>, usize)> {
    let used: HashSet<_> = graph.nodes().flat_map(Node::all_linked).map(|node| node.id).collect();
    let ends = graph.nodes().filter(|node| !used.contains(node.id));
    let chains = ends.map(|end| (end, passes(end))).filter(|(_, passes)| !passes.is_empty());
    let mut chains: Vec<_> = chains.collect();
    // A preview is often of an earlier pass: what is saved counts, and then what took the most passes.
    chains.sort_by_key(|(end, passes)| (!end.class.contains("Save"), std::cmp::Reverse(passes.len())));
    let saves = chains.iter().filter(|(end, _)| end.class.contains("Save")).count();
    let (end, passes) = chains.into_iter().next()?;
    Some((end, passes, saves.saturating_sub(1)))
}

/// The samplers before a node, from the last to the first.
fn passes(end: Node<'_>) -> Vec<Pass<'_>> {
    let mut passes: Vec<Pass> = Vec::new();
    let mut at = end;
    while let Some(pass) = at.follow(IMAGES, |node| Pass::of(node).is_some()).and_then(Pass::of) {
        if passes.iter().any(|seen| seen.node.id == pass.node.id) {
            break;
        }
        passes.push(pass);
        at = pass.node;
    }
    passes
}

impl ComfyUi {
    fn sampling(&mut self, pass: Pass) {
        let set = &mut self.parameters;
        pass.steps().inspect(|steps| set.set("Steps", steps));
        if let (Some(sampler), schedule) = pass.sampling() {
            let (name, schedule) = sampling(sampler, schedule);
            set.set("Sampler", sampler_label(&name));
            schedule.inspect(|schedule| set.set("Schedule type", schedule_label(schedule)));
        }
        pass.guidance().inspect(|scale| set.set("CFG scale", scale));
        match pass.seed() {
            Some(seed) => set.set("Seed", seed),
            None => self.unclear.push("the seed".into()),
        }
        // ComfyUI draws noise on the processor.
        self.parameters.set("RNG", "CPU");
    }

    fn size(&mut self, pass: Pass) {
        let sized = |node: &Node| node.integer("width").zip(node.integer("height"));
        let start = pass.start();
        let empty = start.filter(|node| node.class.starts_with("Empty"));
        match (empty.as_ref().and_then(sized), start) {
            (Some((width, height)), _) => self.parameters.set("Size", format!("{width}x{height}")),
            (None, Some(node)) => {
                let loads = |node: Node| node.class.contains("LoadImage");
                let image = if loads(node) { Some(node) } else { node.follow(IMAGES, loads) };
                let name = image.and_then(|node| node.text("image"));
                self.unclear.push(name.map_or("the size".into(), |name| format!("the initial image, {name}")));
                self.parameters.set("Denoising strength", pass.strength());
            }
            (None, None) => self.unclear.push("the size".into()),
        }
    }

    fn prompts(&mut self, pass: Pass) {
        let mut text = |which| pass.prompt(which).and_then(|link| prompts::text(link, &mut self.unclear));
        self.parameters.prompt = text("positive").unwrap_or_default();
        self.parameters.negative_prompt = text("negative").unwrap_or_default();
    }

    /// The checkpoint, and what is between it and the sampler.
    fn model(&mut self, pass: Pass) {
        let mut tags = Vec::new();
        for node in pass.network().chain(&["model"]) {
            if let Some(lora) = node.text("lora_name") {
                let [network, encoder] = ["strength_model", "strength_clip"].map(|input| node.number(input));
                let weight = network.unwrap_or(1.0);
                tags.push(format!("<lora:{}:{weight}>", stem(lora)));
                if encoder.is_some_and(|encoder| encoder != weight) {
                    self.unclear.push(format!("the text encoder's own weight of the LoRA {lora}"));
                }
            } else if let Some(checkpoint) = checkpoint(node) {
                self.parameters.set("Model", stem(checkpoint));
            } else {
                self.unclear.push(format!("what {} does to the model", node.class));
            }
        }
        if self.parameters.get("Model").is_none() {
            self.unclear.push("the model".into());
        }
        // The first in the graph is the last of the chain.
        self.parameters.prompt.extend(tags.iter().rev().map(String::as_str));
        let encoder = pass.prompt("positive").map(|(node, _)| node);
        let skip = encoder.and_then(|node| node.follow(&["clip", "positive", "conditioning", "conditioning_1"], skips));
        if let Some(layer) = skip.and_then(|node| node.number("stop_at_clip_layer")).filter(|layer| *layer < 0.0) {
            self.parameters.set("Clip skip", -layer);
        }
    }

    fn vae(&mut self, saved: Node, pass: Pass) {
        let decoder = saved.follow(IMAGES, |node| node.linked("vae").is_some() || node.id == pass.node.id);
        if let Some(vae) = decoder.and_then(|node| node.linked("vae")).and_then(|node| node.text("vae_name")) {
            self.parameters.set("VAE", vae);
        }
    }

    /// A pass over the enlarged image of the first.
    fn hires(&mut self, pass: Pass) {
        let scales =
            |node: Node| node.class.contains("Scale") || node.class.contains("Upscale") || Pass::of(node).is_some();
        let scaling = pass.node.follow(IMAGES, scales).filter(|node| Pass::of(*node).is_none());
        let Some(scaling) = scaling else {
            self.unclear.push("a second pass over the image".into());
            return;
        };
        let set = &mut self.parameters;
        set.set("Denoising strength", pass.strength());
        pass.steps().inspect(|steps| set.set("Hires steps", steps));
        let size = scaling.integer("width").zip(scaling.integer("height"));
        match (scaling.number("scale_by"), size) {
            (Some(factor), _) => set.set("Hires upscale", factor),
            (None, Some((width, height))) => set.set("Hires resize", format!("{width}x{height}")),
            (None, None) => self.unclear.push("the size of the second pass".into()),
        }
        let upscaler = scaling.linked("upscale_model").and_then(|node| node.text("model_name"));
        let upscaler = upscaler.or_else(|| {
            pass.node
                .follow(IMAGES, |node| node.linked("upscale_model").is_some())?
                .linked("upscale_model")?
                .text("model_name")
        });
        let method = if scaling.class.starts_with("Latent") { "Latent" } else { "Lanczos" };
        self.parameters.set("Hires upscaler", upscaler.map_or(method, stem));
    }

    /// A pass with another checkpoint, from where the first one ended.
    fn refiner(&mut self, pass: Pass, first: Pass) {
        let model = pass.network().chain(&["model"]).find_map(checkpoint);
        let (Some(end), Some(steps), Some(model)) = (first.end(), first.steps(), model) else {
            self.unclear.push("a second pass over the image".into());
            return;
        };
        self.parameters.set("Refiner", stem(model));
        self.parameters.set("Refiner switch at", end as f64 / steps as f64);
    }
}

fn checkpoint(node: Node<'_>) -> Option<&str> {
    ["ckpt_name", "unet_name"].iter().find_map(|input| node.text(input))
}

fn skips(node: Node) -> bool {
    node.class == "CLIPSetLastLayer"
}

/// A file's name without its extension.
fn stem(file: &str) -> &str {
    let known = ["safetensors", "ckpt", "pt", "pth", "bin", "sft"];
    match file.rsplit_once('.') {
        Some((stem, extension)) if known.contains(&extension) => stem,
        _ => file,
    }
}
