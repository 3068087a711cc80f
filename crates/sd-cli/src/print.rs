//! Standard output and standard error.

use std::fmt::Display;
use std::io::{BufWriter, Error, ErrorKind, Result, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether standard output is reserved for a file.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The first error of printing.
static FAILED: Mutex<Option<Error>> = Mutex::new(None);

/// Prints on standard output. Errors are returned at the [end](finish), so that they do not stop the work.
pub fn print(text: &dyn Display) {
    if IS_TAKEN.load(Ordering::Relaxed) {
        let _ = write!(stderr(), "{text}");
    } else {
        keep(write!(stdout(), "{text}"));
    }
}

/// Prints lines on standard output, as long as somebody reads them, and up to the first error.
pub fn print_lines<E>(lines: impl Iterator<Item = std::result::Result<String, E>>) -> std::result::Result<(), E> {
    let mut output = BufWriter::new(stdout().lock());
    for line in lines {
        let written = writeln!(output, "{}", line?);
        if written.is_err() {
            keep(written);
            return Ok(());
        }
    }
    keep(output.flush());
    Ok(())
}

/// Prints a line on standard error. There is nowhere left to report a failure.
pub fn complain(line: &dyn Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// Reserves standard output for a file: from now on, text goes to standard error.
pub fn leave_stdout() {
    IS_TAKEN.store(true, Ordering::Relaxed);
}

/// Flushes standard output, and returns the first error of all printing.
pub fn finish() -> Result<()> {
    keep(stdout().flush());
    FAILED.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}

/// Keeps an error for [`finish`].
pub fn keep(result: Result<()>) {
    match result {
        // A reader such as `head` may close the pipe early.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            FAILED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        _ => {}
    }
}
