use std::any::Any;

/// Returns the message of a panic on one line.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    one_line(message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message"))
}

/// Joins the lines of an error message with colons, without backtraces, locations and shader source.
pub fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let is_place = |line: &str| ["Backtrace:", "Asked at:"].contains(&line) || line.starts_with("0: ");
    let reasons = lines.take_while(|line| !is_place(line) && !line.starts_with("--- shader source"));
    let titles = ["", "Caused by:", "No backtrace available"];
    reasons.filter(|line| !titles.contains(line)).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_kept_and_backtraces_are_not() {
        let text = "The device is poisoned\nCaused by:\n  Unknown: lost\nBacktrace:\n   0: main\n   1: start";
        assert_eq!(one_line(text), "The device is poisoned: Unknown: lost");
        assert_eq!(one_line("no such type\n--- shader source ---\nfn main() {}"), "no such type");
        assert_eq!(
            one_line("never written\nCaused by:\n  too large\nAsked at:\n  0: main"),
            "never written: too large"
        );
        assert_eq!(panic_message(&"out of\nmemory"), "out of: memory");
        assert_eq!(panic_message(&1), "no message");
    }
}
