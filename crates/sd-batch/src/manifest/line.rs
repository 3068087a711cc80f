use sd_engine::Job;
use serde_json::{Map, Value};

use super::seeds::Seeds;

/// What a line says, by name.
pub type Fields = Map<String, Value>;

/// The longest name, in bytes: file systems allow 255, and an id and temporary names need some of them.
const LONGEST_NAME: usize = 150;

/// A job, and where it comes from.
#[derive(Debug)]
pub struct Line {
    pub number: usize,
    pub label: Option<String>,
    /// With its seed.
    pub job: Job,
}

impl Line {
    /// Reads a job. Fields that a [`Job`] has not are those of its request.
    pub fn new(number: usize, mut fields: Fields, seeds: &mut Seeds) -> Result<Self, String> {
        let label = match fields.remove("name") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(checked(name)?),
            Some(other) => return Err(format!("`name` is {other}, expected a text")),
        };
        // What an earlier run said of the job: its list of failures is a manifest.
        fields.remove("error");
        let mut request = match fields.remove("request") {
            None => Map::new(),
            Some(Value::Object(request)) => request,
            Some(other) => return Err(format!("`request` is {other}, expected an object")),
        };
        let own = own_fields();
        for (name, value) in std::mem::take(&mut fields) {
            let to = if own.contains_key(&name) { &mut fields } else { &mut request };
            to.insert(name, value);
        }
        // Other programs write -1 for a seed of their own choice.
        let has_seed = request.get("seed").is_some_and(|seed| !seed.is_null() && seed.as_i64() != Some(-1));
        if !has_seed {
            request.remove("seed");
        }
        fields.insert("request".into(), request.into());
        let mut job: Job = serde_json::from_value(fields.into()).map_err(|error| error.to_string())?;
        if job.count == 0 {
            return Err("`count` is 0, expected at least 1".into());
        }
        if !has_seed {
            job.request.seed = seeds.next(&job);
        }
        Ok(Self { number, label, job })
    }
}

/// The fields of a job itself.
fn own_fields() -> Fields {
    match serde_json::to_value(Job::default()) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// A name that is part of a file's.
fn checked(name: String) -> Result<String, String> {
    let is_bad = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
    let reason = match &name {
        name if name.is_empty() || name.starts_with('.') => "is empty or begins with a dot",
        name if name.contains(is_bad) => r#"has one of / \ : * ? " < > | or a line break"#,
        name if name.len() > LONGEST_NAME => "has more than 150 bytes",
        _ => return Ok(name),
    };
    Err(format!("`name` {name:?} {reason}: take one that can begin a file's name"))
}
