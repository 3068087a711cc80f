use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sd_pipeline::Error;

/// A flag that Ctrl-C raises; pressed again, it ends the program at once.
pub fn cancel_on_ctrl_c() -> Result<Arc<AtomicBool>, Error> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = cancelled.clone();
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("stopping after this step; press Ctrl-C again to stop at once");
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Backend(format!("Ctrl-C cannot be caught: {error}")))?;
    Ok(cancelled)
}
