use sd_pipeline::{DType, Device};

use super::files::Files;
use super::notices::Notices;
use super::slot::Slot;
use crate::{EngineError, EngineOptions, Library};

/// Models that are opened or loaded, the last used first.
#[derive(Debug, Default)]
pub struct Slots(Vec<Slot>);

/// How many models are kept open whose weights are not loaded.
const OPENED: usize = 8;

impl Slots {
    /// Opens a model, unless it is open, and makes it the last used one.
    pub fn open(
        &mut self,
        files: &Files,
        library: &Library,
        options: &EngineOptions,
        notices: &mut Notices,
    ) -> Result<(), EngineError> {
        let mut slot = match self.0.iter().position(|slot| slot.files.opens_as(files)) {
            Some(at) => self.0.remove(at),
            None => Slot::open(files, library, options)?,
        };
        notices.warnings.extend_from_slice(&files.warnings);
        let opened = slot.open_loras(&files.loras, notices);
        self.0.insert(0, slot);
        opened?;
        let mut count = 0;
        self.0.retain(|slot| {
            count += usize::from(!slot.is_loaded());
            slot.is_loaded() || count <= OPENED
        });
        Ok(())
    }

    /// A model that is open.
    pub fn get(&self, files: &Files) -> &Slot {
        self.0.iter().find(|slot| slot.files.opens_as(files)).expect("it was opened")
    }

    /// Loads an open model, unless it is loaded.
    pub fn load(&mut self, files: &Files, device: &Device, dtype: DType) -> Result<Notices, EngineError> {
        let slot = self.0.iter_mut().find(|slot| slot.files.opens_as(files)).expect("it was opened");
        slot.load(&files.loras, device, dtype)
    }

    /// Unloads the models that were not used for longest, so that no more than `keep` will be loaded, and those that are needed.
    pub fn make_room(&mut self, needed: &[&Files], keep: usize) {
        let mut room = keep.saturating_sub(needed.len());
        self.0.retain(|slot| {
            if !slot.is_loaded() || needed.iter().any(|files| slot.files.opens_as(files)) {
                return true;
            }
            let stays = room > 0;
            room = room.saturating_sub(1);
            stays
        });
    }

    /// The models that are loaded.
    pub fn loaded(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter(|slot| slot.is_loaded())
    }
}
