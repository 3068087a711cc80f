//! Images in the object store.

use std::collections::HashSet;
use std::fmt::Display;

use async_nats::jetstream::object_store::{ObjectInfo, ObjectMetadata};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::queue::Queue;
use crate::BatchError;

/// The largest part of an image in one message.
const LARGEST_PART: usize = 4 << 20;

/// What a message needs beside its content.
const ENVELOPE: usize = 4096;

impl Queue {
    /// An image, whose checksum is right. None if it is not there, or cannot be read now.
    ///
    /// The client's own reader makes a consumer for each image, which the server forgets only after a while. Asking for the parts does not.
    pub async fn image(&self, object: &str) -> Option<Vec<u8>> {
        let info = self.images.info(object).await.ok().filter(|info| !info.deleted)?;
        let subject = format!("$O.{}.C.{}", self.name, info.nuid);
        let (mut image, mut next) = (Vec::with_capacity(info.size), None);
        for _ in 0..info.chunks {
            let part = self.parts.direct_get_next_for_subject(subject.as_str(), next).await.ok()?;
            image.extend_from_slice(&part.payload);
            next = Some(part.sequence + 1);
        }
        is_whole(&image, &info).then_some(image)
    }

    /// The names of all images.
    pub async fn object_names(&self) -> Result<HashSet<String>, BatchError> {
        let cannot = |error: &dyn Display| self.connection.error("images cannot be listed", error);
        let mut list = self.images.list().await.map_err(|error| cannot(&error))?;
        let mut names = HashSet::new();
        while let Some(info) = list.next().await {
            names.insert(info.map_err(|error| cannot(&error))?.name);
        }
        Ok(names)
    }

    /// Stores an image. Most fit into one message, which saves a round trip for each part.
    pub async fn store(&self, object: &str, image: &[u8]) -> Result<(), BatchError> {
        let largest = self.connection.client.max_payload().saturating_sub(ENVELOPE).clamp(1, LARGEST_PART);
        let metadata = ObjectMetadata {
            name: object.into(),
            chunk_size: Some(image.len().clamp(1, largest)),
            ..ObjectMetadata::default()
        };
        let stored = self.images.put(metadata, &mut &*image).await;
        stored.map(drop).map_err(|error| self.connection.error("the image cannot be stored", error))
    }

    /// Whether an image is there. It is not if the server does not answer.
    pub async fn has_image(&self, object: &str) -> bool {
        self.images.info(object).await.is_ok_and(|info| !info.deleted)
    }
}

/// Whether bytes have the checksum of an object.
fn is_whole(bytes: &[u8], info: &ObjectInfo) -> bool {
    let digest = format!("SHA-256={}", URL_SAFE.encode(Sha256::digest(bytes)));
    info.digest.as_ref().is_none_or(|expected| *expected == digest)
}
