use serde_json::Value;

use super::line::Fields;

/// The objects of a text, with the numbers of their lines; empty lines are left out.
pub fn fields(text: &str) -> Vec<(usize, Result<Fields, String>)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| (index + 1, object(line))).collect()
}

fn object(line: &str) -> Result<Fields, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("expected an object, such as {\"prompt\": \"a red house\"}".into()),
        Err(error) => Err(format!("no JSON: {error}")),
    }
}
