#![expect(unsafe_code, reason = "Burn's interface for memory of any kind is unsafe")]

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{AllocationProperty, Bytes};
use burn_std::{AccessError, AccessPolicy, AllocationController};

use super::MappedWeights;
use super::map::Map;

/// Part of a mapped file as the memory of a tensor.
pub(super) struct Part {
    map: Arc<Map>,
    place: Range<usize>,
    /// Its number among all weights.
    number: usize,
    all: MappedWeights,
    /// What takes the place of the file's bytes once someone has written to them.
    copy: Option<Bytes>,
}

impl Part {
    /// # Panics
    ///
    /// Panics if the file ends before `place` does.
    pub fn new(map: Arc<Map>, place: Range<usize>, number: usize, all: MappedWeights) -> Self {
        assert!(map.has(&place), "{place:?} of {map:?}");
        Self { map, place, number, all, copy: None }
    }

    pub fn into_bytes(self) -> Bytes {
        let length = self.place.len();
        // SAFETY: that is the number of bytes, all of which are initialised: they are those of a file.
        unsafe { Bytes::from_controller(Box::new(self), length) }
    }

    fn bytes(&self) -> &[u8] {
        self.copy.as_deref().unwrap_or_else(|| self.map.bytes(self.place.clone()))
    }
}

impl AllocationController for Part {
    /// That of copies.
    fn alloc_align(&self) -> usize {
        align_of::<u128>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::File
    }

    fn capacity(&self) -> usize {
        self.place.len()
    }

    /// Kernels get a layer's weight with this, once for each call.
    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        if self.copy.is_none() {
            self.all.touch(self.number);
        }
        let bytes = self.bytes();
        // SAFETY: initialised bytes are also ones that may be uninitialised.
        Ok(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) })
    }

    unsafe fn memory_mut(&mut self, policy: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        if self.copy.is_none() && !policy.copy_allowed() {
            return Err(AccessError::WouldCopy);
        }
        let bytes = &mut **self.copy.get_or_insert_with(|| {
            let bytes = self.map.bytes(self.place.clone());
            Bytes::from_bytes_vec(bytes.to_vec())
        });
        // SAFETY: the caller promises to write initialised bytes only.
        Ok(unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len()) })
    }
}
