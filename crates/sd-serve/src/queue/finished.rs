use std::sync::{Arc, Mutex};

use sd_engine::Drawn;

use crate::id::ImageId;

/// A finished image.
#[derive(Clone)]
pub(crate) struct Finished {
    /// Its name in the store.
    pub id: ImageId,
    /// The image and its texts.
    pub drawn: Arc<Drawn>,
    /// Its file, with its metadata.
    pub png: Arc<Vec<u8>>,
}

/// Images for a client that waits.
pub type Basket = Arc<Mutex<Vec<Finished>>>;
