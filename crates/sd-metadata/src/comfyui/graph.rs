//! A graph of ComfyUI in the form of its API: nodes by number, whose inputs are values or links.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::ComfyUiError;

/// The most nodes of a graph; people's have at most hundreds.
const MOST: usize = 1024;

/// The longest chain of links to a value.
const LONGEST: usize = 16;

pub struct Graph(Map<String, Value>);

/// A node of a graph.
#[derive(Clone, Copy)]
pub struct Node<'g> {
    graph: &'g Graph,
    pub id: &'g str,
    /// Its kind, such as `KSampler`.
    pub class: &'g str,
    inputs: &'g Map<String, Value>,
}

impl Graph {
    /// Reads the text `prompt` of an image.
    pub fn parse(text: &str) -> Result<Self, ComfyUiError> {
        let graph = serde_json::from_str(&without_nan(text)).map_err(|error| ComfyUiError::Json(error.to_string()))?;
        match graph {
            Value::Object(nodes) if nodes.len() > MOST => Err(ComfyUiError::TooLarge(nodes.len(), MOST)),
            Value::Object(nodes) if nodes.values().any(|node| node.get("class_type").is_some()) => Ok(Self(nodes)),
            Value::Object(nodes) if nodes.contains_key("nodes") => Err(ComfyUiError::Workflow),
            _ => Err(ComfyUiError::NoGraph),
        }
    }

    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.0.keys().filter_map(|id| self.node(id))
    }

    fn node<'g>(&'g self, id: &str) -> Option<Node<'g>> {
        let (id, node) = self.0.get_key_value(id)?;
        Some(Node {
            graph: self,
            id,
            class: node.get("class_type")?.as_str()?,
            inputs: node.get("inputs")?.as_object()?,
        })
    }
}

impl<'g> Node<'g> {
    /// The node that an input is linked to.
    pub fn linked(self, input: &str) -> Option<Self> {
        self.link(input).map(|(node, _)| node)
    }

    /// As [`linked`](Self::linked), with the number of that node's output.
    pub fn link(self, input: &str) -> Option<(Self, u64)> {
        self.target(self.inputs.get(input)?)
    }

    /// All nodes that this one is linked to.
    pub fn all_linked(self) -> impl Iterator<Item = Self> {
        self.inputs.values().filter_map(move |input| self.target(input)).map(|(node, _)| node)
    }

    fn target(self, input: &Value) -> Option<(Self, u64)> {
        let [id, output] = input.as_array()?.as_slice() else { return None };
        // Some programs write numbers.
        let id = id.as_str().map(str::to_string).or_else(|| id.as_u64().map(|id| id.to_string()))?;
        Some((self.graph.node(&id)?, output.as_u64()?))
    }

    /// Follows links until `end` says that a node is the last. At each node the first of `inputs` that is linked leads on.
    pub fn follow(self, inputs: &[&str], end: impl Fn(Self) -> bool) -> Option<Self> {
        self.chain(inputs).find(|node| end(*node))
    }

    /// All nodes along some inputs. A ring is walked once.
    pub fn chain(self, inputs: &[&str]) -> impl Iterator<Item = Self> {
        let next = |node: &Self| inputs.iter().find_map(|input| node.linked(input));
        let mut seen = HashSet::new();
        std::iter::successors(next(&self), next).take_while(move |node| seen.insert(node.id))
    }

    pub fn text(self, input: &str) -> Option<&'g str> {
        self.value(input)?.as_str()
    }

    pub fn number(self, input: &str) -> Option<f64> {
        self.value(input)?.as_f64()
    }

    pub fn integer(self, input: &str) -> Option<u64> {
        self.value(input)?.as_u64()
    }

    /// The value of an input, or of the node that it is linked to, if that is nothing but a value: a primitive, a seed, a text.
    fn value(self, input: &str) -> Option<&'g Value> {
        let mut value = self.inputs.get(input)?;
        for _ in 0..LONGEST {
            let Some((node, _)) = self.target(value) else {
                return (!value.is_array()).then_some(value);
            };
            let names = ["value", "seed", "noise_seed", "text", "string", "int", "float", input];
            value = names.iter().find_map(|name| node.inputs.get(*name))?;
        }
        None
    }
}

/// Python writes `NaN` and `Infinity`, which JSON does not have.
fn without_nan(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    // Every second piece between quotes is in a string, but for escaped quotes.
    let (mut is_string, mut rest) = (false, text);
    while !rest.is_empty() {
        let end = match is_string {
            true => string_end(rest),
            false => rest.find('"').unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at(end);
        match is_string {
            true => found += piece,
            false => found += &piece.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null"),
        }
        found += &after[..after.len().min(1)];
        (is_string, rest) = (!is_string, after.get(1..).unwrap_or_default());
    }
    found
}

/// Where the string at the beginning of a text ends.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(text.len())
}
