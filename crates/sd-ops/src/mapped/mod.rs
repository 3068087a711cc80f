//! Weights that stay in their files.

mod map;
mod part;
mod window;

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Bytes;

use self::map::Map;
use self::part::Part;
use self::window::{Advice, Window};

/// Weights that stay in their files, which are mapped into memory: the system reads a weight when a layer uses it.
///
/// A weight that is used joins a window of limited size. What was used longest ago leaves it, and its memory is given back;
/// the system usually still has these bytes in its cache of files, and then it takes microseconds to get them again. What
/// followed in the last call of a network is announced to the system, which reads it from the disk in the meantime.
///
/// A mapped file must not be changed: its weights would change too, and if it became shorter, the process would be
/// ended by a signal. Files that are replaced by others of the same name, as downloads are, stay as they were.
///
/// Clones share their window.
#[derive(Debug, Clone)]
pub struct MappedWeights(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    maps: Vec<Arc<Map>>,
    /// The weights' maps and their places in them.
    weights: Vec<(Arc<Map>, Range<usize>)>,
    window: Window,
}

impl MappedWeights {
    /// Makes a window of `limit` bytes. It holds one weight at least, whatever its size.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Shared { maps: Vec::new(), weights: Vec::new(), window: Window::new(limit) })))
    }

    /// Whether this system can map files. Otherwise [`bytes`](Self::bytes) fails.
    pub const fn is_supported() -> bool {
        cfg!(unix)
    }

    /// The size of the window in bytes.
    pub fn limit(&self) -> usize {
        self.lock().window.limit()
    }

    /// Returns bytes of a file without reading them. Whoever writes to them gets a copy.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or mapped, or ends before the range does.
    pub fn bytes(&self, file: &Path, range: Range<u64>) -> io::Result<Bytes> {
        let mut shared = self.lock();
        let map = match shared.maps.iter().find(|map| map.path() == file) {
            Some(map) => map.clone(),
            None => {
                let map = Arc::new(Map::open(file)?);
                shared.maps.push(map.clone());
                map
            }
        };
        let place = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let place = place.map(|(start, end)| start..end).filter(|place| map.has(place));
        let place = place.ok_or(io::ErrorKind::UnexpectedEof)?;
        let number = shared.window.add(place.len());
        shared.weights.push((map.clone(), place.clone()));
        drop(shared);
        Ok(Part::new(map, place, number, self.clone()).into_bytes())
    }

    /// Tells that a weight is used now.
    fn touch(&self, number: usize) {
        let mut shared = self.lock();
        for (advice, number) in shared.window.touch(number) {
            let (map, place) = &shared.weights[number];
            match advice {
                Advice::Read => map.read_ahead(place.clone()),
                Advice::Release => map.release(place.clone()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A thread that panicked here has left a window that is still one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
