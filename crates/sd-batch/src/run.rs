use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sd_engine::{Job, MOST_TOGETHER};
use sd_files::write_atomically;
use sd_image::Format;

use crate::{Artist, BatchError, DrawError, Failed, Item, Step};

/// A batch that one machine draws.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The images, in the order of drawing: [`group`](crate::group) makes a good one.
    pub items: &'a [Item],
    /// Where the images go.
    pub folder: &'a Path,
    /// What they are encoded as.
    pub format: Format,
    /// Whether the first failure ends the run.
    pub stop_on_error: bool,
}

/// What happens during a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The image with this index begins, perhaps with some of the next.
    Begun(usize),
    /// A call of the network has ended.
    Step(usize, Step),
    /// The image with this index is in its file.
    Drawn(usize, &'a Path),
    /// The image with this index cannot be drawn, for this reason.
    Failed(usize, &'a str),
}

/// How a run ended.
#[derive(Debug, Default)]
pub struct Tally {
    /// Images that were there already.
    pub skipped: usize,
    /// Images that were drawn.
    pub drawn: usize,
    /// Images that could not be drawn.
    pub failed: Vec<Failed>,
    /// Whether it was stopped before its end.
    pub is_stopped: bool,
}

impl Run<'_> {
    /// Returns the images that are not in the folder, by their indices.
    pub fn missing(&self) -> Vec<usize> {
        let is_missing = |index: &usize| !self.path(*index).exists();
        (0..self.items.len()).filter(is_missing).collect()
    }

    /// Draws what is not in the folder yet. Each image is written beside its file and then renamed, so the same run continues after it was
    /// stopped in any way. `report` stops it if it breaks.
    ///
    /// A job that fails does not stop the others, unless it is asked to.
    ///
    /// # Errors
    ///
    /// Fails if an image cannot be written, or if the device is lost.
    pub fn draw(
        &self,
        artist: &mut dyn Artist,
        report: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Tally, BatchError> {
        let missing = self.missing();
        let mut tally = Tally { skipped: self.items.len() - missing.len(), ..Tally::default() };
        let mut rest = &missing[..];
        while let Some(&index) = rest.first() {
            if report(Event::Begun(index)).is_break() {
                tally.is_stopped = true;
                break;
            }
            let jobs = self.alike(rest);
            let mut draw = |jobs| artist.draw(jobs, self.format, &mut |step| report(Event::Step(index, step)));
            let drawn = match draw(&jobs) {
                // Perhaps only one of the others fails.
                Err(DrawError::Failed(_)) if jobs.len() > 1 => draw(&jobs[..1]),
                drawn => drawn,
            };
            let flow = match drawn {
                Ok(images) => {
                    let (here, others) = rest.split_at(images.len());
                    rest = others;
                    let mut flow = ControlFlow::Continue(());
                    for (&index, bytes) in here.iter().zip(&images) {
                        let file = self.path(index);
                        write_atomically(&file, |to| to.write_all(bytes))
                            .map_err(|source| BatchError::Io { file: file.clone(), source })?;
                        tally.drawn += 1;
                        if report(Event::Drawn(index, &file)).is_break() {
                            flow = ControlFlow::Break(());
                        }
                    }
                    flow
                }
                Err(DrawError::Failed(reason)) => {
                    rest = &rest[1..];
                    let flow = report(Event::Failed(index, &reason));
                    tally.failed.push(Failed { item: self.items[index].clone(), reason });
                    if self.stop_on_error { ControlFlow::Break(()) } else { flow }
                }
                Err(DrawError::Cancelled) => ControlFlow::Break(()),
                Err(DrawError::DeviceLost(reason)) => return Err(BatchError::Device(reason)),
            };
            if flow.is_break() {
                tally.is_stopped = true;
                break;
            }
        }
        Ok(tally)
    }

    /// The jobs of the first of these images and of those behind it that differ in the seed alone, as many as may be drawn together.
    fn alike(&self, images: &[usize]) -> Vec<&Job> {
        let jobs = images.iter().map(|index| &self.items[*index].job).take(MOST_TOGETHER);
        let mut first = self.items[images[0]].job.clone();
        let is_alike = |job: &&Job| {
            first.request.seed = job.request.seed;
            **job == first
        };
        jobs.take_while(is_alike).collect()
    }

    fn path(&self, index: usize) -> PathBuf {
        self.items[index].path(self.folder, self.format)
    }
}
