//! Waiting for the network, and for a signal to stop.

use std::time::Duration;

use tokio::time::sleep;

/// How often it is asked whether to stop.
pub const TICK: Duration = Duration::from_millis(100);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Says whether to stop.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// Tries until it works, or until `stop`; then returns the last error. `complain` hears of errors.
pub async fn until_done<T, E, F: Future<Output = Result<T, E>>>(
    stop: Stop<'_>,
    mut attempt: impl FnMut() -> F,
    mut complain: impl FnMut(&E),
) -> Result<T, E> {
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) if stop() => return Err(error),
            Err(error) => complain(&error),
        }
        pause(stop).await;
    }
}

/// Waits a little, or until `stop`.
pub async fn pause(stop: Stop<'_>) {
    for _ in 0..PAUSE.as_millis() / TICK.as_millis() {
        if stop() {
            return;
        }
        sleep(TICK).await;
    }
}
