use csv_core::{ReadFieldResult, Reader};
use serde_json::Value;

use super::line::Fields;

/// Columns whose cells are texts, even if they look like numbers.
const TEXTS: [&str; 5] = ["name", "model", "vae", "prompt", "negative_prompt"];

/// The rows below the header, with the numbers of their first lines. An empty cell is a field that is left out. Other cells than texts may
/// be JSON: numbers, `true`, lists and objects.
pub fn fields(text: &str) -> Vec<(usize, Result<Fields, String>)> {
    let mut rows = rows(text).into_iter();
    let Some((_, header)) = rows.next() else { return Vec::new() };
    let header: Vec<String> = header.iter().map(|name| name.trim().to_string()).collect();
    rows.map(|(line, row)| (line, row_fields(&header, row))).collect()
}

fn row_fields(header: &[String], row: Vec<String>) -> Result<Fields, String> {
    if row.len() > header.len() {
        let (found, expected) = (row.len(), header.len());
        return Err(format!("{found} cells, but the header has {expected}: quote cells that have commas"));
    }
    let cells = header.iter().zip(row).filter(|(_, cell)| !cell.trim().is_empty());
    Ok(cells.map(|(name, cell)| (name.clone(), value(name, cell))).collect())
}

fn value(name: &str, cell: String) -> Value {
    if TEXTS.contains(&name) {
        return cell.into();
    }
    serde_json::from_str(&cell).unwrap_or_else(|_| cell.trim().into())
}

/// The rows of a table, as the number of their first line, and their cells.
fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut reader, mut input, mut part) = (Reader::new(), text.as_bytes(), [0; 1024]);
    let (mut field, mut row, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let (mut line, mut counted) = (1, 0);
    loop {
        if row.is_empty() && field.is_empty() {
            // Lines that end before this row begins.
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let start = text.len() - input.len() + blank;
            line += text.as_bytes()[counted..start].iter().filter(|byte| **byte == b'\n').count();
            counted = start;
        }
        let (result, read, written) = reader.read_field(input, &mut part);
        input = &input[read..];
        field.extend(&part[..written]);
        match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                let field = std::mem::take(&mut field);
                row.push(String::from_utf8(field).expect("fields of a text are texts"));
                if record_end {
                    rows.push((line, std::mem::take(&mut row)));
                }
            }
            ReadFieldResult::End => return rows,
        }
    }
}
