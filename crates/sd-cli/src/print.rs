//! What the program says: on standard output, and on standard error.

use std::fmt::Display;
use std::io::{Error, ErrorKind, Result, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;

/// Whether standard output is kept free of text.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The first failure to print.
static FAILED: Mutex<Option<Error>> = Mutex::new(None);

/// Prints on standard output. That it failed is told at the [end](finish), so that nothing else is lost by it.
pub fn print(text: &dyn Display) {
    if IS_TAKEN.load(Ordering::Relaxed) {
        let _ = write!(stderr(), "{text}");
    } else {
        keep(write!(stdout(), "{text}"));
    }
}

/// Prints a line on standard error. That it failed can be told nowhere.
pub fn complain(line: &dyn Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// Leaves standard output to a file that is written there: text goes to standard error from now on.
pub fn leave_stdout() {
    IS_TAKEN.store(true, Ordering::Relaxed);
}

/// Whether all that was printed has arrived.
pub fn finish() -> std::result::Result<(), Failure> {
    keep(stdout().flush());
    match FAILED.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(Failure::of(format!("standard output: {error}"))),
        None => Ok(()),
    }
}

/// Remembers that it failed, if it did.
pub fn keep(result: Result<()>) {
    match result {
        // Someone who pipes this into `head` closes it early, and that is all right.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            FAILED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        _ => {}
    }
}
