//! From jobs to images.

mod files;
mod notices;
mod open;
mod parameters;
mod plan;
mod prepared;
mod slot;
mod slots;
mod together;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sd_device::device_by_name;
use sd_image::{Filter, Image};
use sd_pipeline::{Device, Model, Pipeline, Products};
use sd_upscale::{Tile, Upscaler};

use self::files::{Files, JobFiles};
pub use self::notices::Notices;
pub use self::plan::{Planned, unknown_words};
pub use self::prepared::{Prepared, Progress};
use self::slots::Slots;
pub use self::together::MOST_TOGETHER;
use crate::{EngineError, EngineOptions, Job, Kind, Library};

/// Draws jobs on one device, and keeps the models that they need.
#[derive(Debug)]
pub struct Engine {
    library: Arc<Library>,
    options: EngineOptions,
    /// Opened once the first model is loaded.
    device: Option<Device>,
    slots: Slots,
    /// The last used network for enlarging.
    upscaler: Option<(PathBuf, Upscaler)>,
}

impl Engine {
    /// Makes an engine that has loaded nothing yet.
    pub fn new(library: Arc<Library>, options: EngineOptions) -> Self {
        Self { library, options, device: None, slots: Slots::default(), upscaler: None }
    }

    /// The files that jobs can name.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// How the engine computes.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Fills in the defaults of a job, and checks that it can be drawn. No weights are read.
    ///
    /// # Errors
    ///
    /// [`EngineError`], which says what to change.
    pub fn plan(&mut self, job: &Job) -> Result<Planned, EngineError> {
        let mut notices = Notices::default();
        let files = JobFiles::of(job, &self.library)?;
        for files in files.refiner.iter().chain([&files.base]) {
            self.slots.open(files, &self.library, &self.options, &mut notices)?;
        }
        notices.warnings.extend(self.memory_without_effect());
        notices.warnings.extend(self.int8_without_instructions());
        let (base, refiner) = (&files.base, files.refiner.as_ref());
        let base = self.slots.get(base).model();
        let refiner = refiner.map(|files| self.slots.get(files).model());
        let mut planned = Planned::new(job, files.clone(), base, refiner, &self.library, notices)?;
        let models: Vec<&Model> = [base].into_iter().chain(refiner).collect();
        planned.tile_if_needed(job, &models, &self.options);
        planned.together = together::together(&planned, base, &self.options);
        Ok(planned)
    }

    /// Checks that the device can hold what a job needs, and returns warnings if its memory may not suffice.
    ///
    /// # Errors
    ///
    /// [`EngineError::Pipeline`] if a single tensor is larger than the device allows.
    ///
    /// # Panics
    ///
    /// As [`models`](Self::models).
    pub fn memory_warnings(&self, planned: &Planned) -> Result<Vec<String>, EngineError> {
        let (models, EngineOptions { device, dtype, .. }) = (self.models(planned), &self.options);
        let mut warnings = Vec::new();
        for (plan, model) in planned.passes(models[0], models.get(1).copied()) {
            model.check_device(&plan.workload(), *dtype, device)?;
            warnings.extend(model.memory_warning(&plan.workload(), *dtype, device));
        }
        Ok(warnings)
    }

    /// Plans a job and loads its models, unless they are loaded.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan), and if the files are damaged or the device fails.
    pub fn prepare(&mut self, job: &Job) -> Result<Prepared<'_>, EngineError> {
        let mut planned = self.plan(job)?;
        planned.notices.warnings.extend(self.memory_warnings(&planned)?);
        let (device, dtype) = (self.device()?, self.options.dtype);
        let needed: Vec<&Files> = [&planned.files.base].into_iter().chain(&planned.files.refiner).collect();
        self.slots.make_room(&needed, self.options.keep);
        let mut notices = Notices::default();
        for files in &needed {
            notices.extend(&self.slots.load(files, &device, dtype)?);
        }
        planned.notices.extend(&notices);
        if let Some(path) = &planned.upscaler {
            self.load_upscaler(path)?;
        }
        sd_pipeline::keep_memory();
        let upscaler = self.upscaler.as_ref().map(|(_, upscaler)| upscaler);
        let (base, refiner) = (&planned.files.base, planned.files.refiner.as_ref());
        let (base, refiner) = (self.slots.get(base), refiner.map(|files| self.slots.get(files)));
        Ok(Prepared {
            job: job.clone(),
            planned,
            library: &self.library,
            options: &self.options,
            base,
            refiner,
            upscaler,
        })
    }

    /// Opens the model of a job, for work that is no drawing: the model, what is worth knowing about its files, and what may surprise.
    /// No weights are read.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan).
    pub fn open(&mut self, job: &Job) -> Result<(&Model, Notices), EngineError> {
        let mut notices = Notices::default();
        let files = JobFiles::of(job, &self.library)?.base;
        self.slots.open(&files, &self.library, &self.options, &mut notices)?;
        notices.warnings.extend(self.memory_without_effect());
        notices.warnings.extend(self.int8_without_instructions());
        Ok((self.slots.get(&files).model(), notices))
    }

    /// Loads the model of a job, for work that is no drawing.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare).
    pub fn pipeline(&mut self, job: &Job) -> Result<&Pipeline, EngineError> {
        let files = JobFiles::of(job, &self.library)?.base;
        self.slots.open(&files, &self.library, &self.options, &mut Notices::default())?;
        let device = self.device()?;
        self.slots.make_room(&[&files], self.options.keep);
        self.slots.load(&files, &device, self.options.dtype)?;
        sd_pipeline::keep_memory();
        Ok(self.slots.get(&files).pipeline())
    }

    /// The models of a planned job: the first one, and the refiner.
    ///
    /// # Panics
    ///
    /// Panics if many other jobs were planned since.
    pub fn models(&self, planned: &Planned) -> Vec<&Model> {
        let files = [&planned.files.base].into_iter().chain(&planned.files.refiner);
        files.map(|files| self.slots.get(files).model()).collect()
    }

    /// The names of the models that are loaded, the last used first.
    pub fn loaded(&self) -> Vec<String> {
        self.slots.loaded().map(|slot| slot.files.model.name.clone()).collect()
    }

    /// Forgets all models, and the device.
    pub fn unload(&mut self) {
        self.slots = Slots::default();
        self.upscaler = None;
        self.device = None;
    }

    /// Enlarges an image to a size with a network of the library, or without one with Lanczos' filter. `watch` gets the share that
    /// is done.
    ///
    /// # Errors
    ///
    /// [`EngineError::Upscale`], and as [`Library::find`].
    pub fn upscale(
        &mut self,
        image: &Image,
        upscaler: Option<&str>,
        [width, height]: [usize; 2],
        watch: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Image, EngineError> {
        let Some(name) = upscaler else { return Ok(image.resize(width, height, Filter::Lanczos)) };
        let Some(path) = self.library.locate(Kind::Upscaler, name)?.path else { return Err(EngineError::NoModel) };
        let network = self.load_upscaler(&path)?;
        let mut parts = |parts: sd_upscale::Parts| watch(parts.done as f64 / parts.total.max(1) as f64);
        Ok(network.upscale_to(image, [width, height], Tile::Auto, &mut parts)?)
    }

    fn load_upscaler(&mut self, path: &Path) -> Result<&Upscaler, EngineError> {
        let is_there = self.upscaler.as_ref().is_some_and(|(known, _)| known == path);
        if !is_there {
            self.upscaler = None;
            let network = Upscaler::open(path)?.load(&self.device()?, self.options.dtype)?;
            self.upscaler = Some((path.into(), network));
        }
        Ok(&self.upscaler.as_ref().expect("it was loaded").1)
    }

    /// A warning if low memory is wanted on a device that knows no such thing.
    fn memory_without_effect(&self) -> Option<String> {
        let EngineOptions { device, memory, .. } = &self.options;
        let name = &device.name;
        let warning = || {
            format!("`memory` low changes nothing on {name}: weights stay in their files on flex, on Linux and macOS")
        };
        (!memory.has_effect_on(device)).then(warning)
    }

    /// A warning if products of integers are wanted that the processor has no instructions for.
    fn int8_without_instructions(&self) -> Option<String> {
        let is_slow = self.options.products == Products::Int8 && sd_pipeline::int8_instructions().is_none();
        is_slow.then(|| "`int8` makes it slower here: this processor has no instructions for products of bytes".into())
    }

    fn device(&mut self) -> Result<Device, EngineError> {
        if let Some(device) = &self.device {
            return Ok(device.clone());
        }
        let device = device_by_name(&self.options.device.name)?;
        self.device = Some(device.clone());
        Ok(device)
    }
}
