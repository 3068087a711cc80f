//! Numbers and tables in Markdown.

/// Formats a number with two digits, which are the same on any machine: `0.12`, `12`, `1.2e-5`.
pub fn two_digits(x: f64) -> String {
    digits(x, 2)
}

/// Formats a number with three digits: `0.123`, `12.3`, `1.23e-5`.
pub fn three_digits(x: f64) -> String {
    digits(x, 3)
}

fn digits(x: f64, count: usize) -> String {
    let scientific = format!("{:.*e}", count - 1, x);
    let (_, exponent) = scientific.split_once('e').expect("it has an exponent");
    let exponent: i32 = exponent.parse().expect("it is a number");
    if exponent < -3 {
        return scientific;
    }
    let rounded: f64 = scientific.parse().expect("it is a number");
    format!("{:.*}", (count as i32 - 1 - exponent).max(0) as usize, rounded)
}

/// Formats a table; all columns but the first are aligned right.
pub fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<String> = (0..head.len()).map(|i| if i == 0 { "---" } else { "---:" }.to_string()).collect();
    [head, &rule].into_iter().map(line).chain(rows.iter().map(|row| line(row))).collect()
}

/// Makes a row: its name and its cells.
pub fn row(name: impl ToString, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    [name.to_string()].into_iter().chain(cells).collect()
}

/// Replaces each `{name}` in a text.
///
/// # Panics
///
/// Panics if a name is not in the text, or if a name in the text has no value.
pub fn fill(text: &str, values: &[(&str, String)]) -> String {
    let filled = values.iter().fold(text.to_string(), |text, (name, value)| {
        let name = format!("{{{name}}}");
        assert!(text.contains(&name), "the text has no {name}");
        text.replace(&name, value)
    });
    assert!(!filled.contains('{'), "the text needs more values: {:.60}", &filled[filled.find('{').unwrap_or(0)..]);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_two_digits_of_any_size() {
        let found = [12345.0, 99.7, 12.0, 1.0, 0.126, 0.00999, 0.0012, 0.00012, 0.0].map(two_digits);
        assert_eq!(found, ["12000", "100", "12", "1.0", "0.13", "0.010", "0.0012", "1.2e-4", "0.0"]);
        assert_eq!(three_digits(0.012345), "0.0123");
    }

    #[test]
    fn a_text_is_filled_and_nothing_is_left_over() {
        assert_eq!(fill("{a} and {b}", &[("a", "1".into()), ("b", "2".into())]), "1 and 2");
    }

    #[test]
    #[should_panic(expected = "needs more values: {b}")]
    fn a_text_that_needs_more_values_is_a_panic() {
        fill("{a} and {b}", &[("a", "1".into())]);
    }

    #[test]
    fn a_table_is_aligned_right() {
        let cells = |cells: [&str; 2]| cells.map(String::from).to_vec();
        assert_eq!(table(&cells(["a", "b"]), &[cells(["1", "2"])]), "| a | b |\n| --- | ---: |\n| 1 | 2 |\n");
    }
}
