use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::time::Instant;

use sd_pipeline::Pipeline;
use sd_scenes::{Split, Told};

use super::cell::{Cell, Finding, Found, Measure};
use super::config::EvaluationConfig;
use super::images::{Images, Subject};
use super::store::Store;
use crate::{Classifier, EvaluateError, Gaussian, Judgement, Reading};

/// A model, and who judges it.
#[derive(Debug)]
pub struct Evaluation<'a> {
    /// The model.
    pub pipeline: &'a Pipeline,
    /// What reads its images.
    pub classifier: &'a Classifier,
    /// What is measured.
    pub config: EvaluationConfig,
}

/// How far an evaluation is.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// What is being measured.
    pub cell: String,
    /// How much is done of what was not measured before: calls of the network, or thereabouts.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// What sees the progress of an evaluation, and can stop it.
pub type Watch<'a> = dyn FnMut(&Work) -> ControlFlow<()> + 'a;

impl Evaluation<'_> {
    /// Measures every cell that `folder` does not hold yet, and gives all of them back. What is measured is written
    /// there as soon as it is, so that an evaluation that was stopped goes on where it was.
    ///
    /// `digests` are those of the model's weights and of the classifier's; see [`digest`](crate::digest).
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Request`] if the folder holds an evaluation of another model or with other settings, or if the
    /// model cannot draw what is asked for; and what drawing and writing can fail with.
    pub fn run(
        &self,
        folder: &Path,
        digests: [&str; 2],
        watch: &mut Watch,
    ) -> Result<Vec<(Cell, Finding)>, EvaluateError> {
        self.check()?;
        let store = Store::open(folder, digests, &self.config)?;
        let cells = self.config.cells();
        let known = cells.iter().map(|cell| store.finding(cell)).collect::<Result<Vec<_>, _>>()?;
        let open = cells.iter().zip(&known).filter(|(_, known)| known.is_none());
        let mut work = Work { cell: String::new(), done: 0, total: open.map(|(cell, _)| self.cost(cell)).sum() };
        let (mut findings, mut reference) = (Vec::new(), None);
        for (cell, known) in cells.into_iter().zip(known) {
            let finding = match known {
                Some(finding) => finding,
                None => {
                    work.cell = cell.to_string();
                    let finding = self.measure(&cell, &mut reference, &mut work, watch)?;
                    store.keep(&cell, &finding)?;
                    finding
                }
            };
            findings.push((cell, finding));
        }
        Ok(findings)
    }

    /// Finds out what the model cannot draw before it has drawn for hours.
    fn check(&self) -> Result<(), EvaluateError> {
        let EvaluationConfig { samples, batch, .. } = self.config;
        if samples == 1 || batch == 0 {
            return Err(EvaluateError::Request(format!(
                "{samples} samples in batches of {batch}: a distance needs two, a batch one"
            )));
        }
        let subject = self.subjects(0..1).remove(0);
        for cell in self.config.cells() {
            if let Images::Samples(drawing) = &cell.images {
                let reason = |error| EvaluateError::Request(format!("{cell}: {error}"));
                self.pipeline.plan(&drawing.request(&subject)).map_err(reason)?;
            }
        }
        Ok(())
    }

    fn cost(&self, cell: &Cell) -> u64 {
        self.config.images(cell.measure) * cell.images.cost()
    }

    fn measure(
        &self,
        cell: &Cell,
        reference: &mut Option<Gaussian>,
        work: &mut Work,
        watch: &mut Watch,
    ) -> Result<Finding, EvaluateError> {
        let images = self.config.images(cell.measure);
        let started = Instant::now();
        let read = self.read(&cell.images, 0..images, work, watch)?;
        let seconds = started.elapsed().as_secs_f64();
        let found = match cell.measure {
            Measure::Accuracy => {
                let mut judgement = Judgement::default();
                read.iter().for_each(|(told, reading)| judgement.judge(told, &reading.scene));
                Found::Accuracy(judgement)
            }
            Measure::Distance => {
                let reference = match reference {
                    Some(known) => known,
                    // Other scenes than those whose captions are drawn.
                    None => {
                        let known = work.clone();
                        // They are not counted as work.
                        let mut idle = known.clone();
                        let renders =
                            self.read(&Images::Renders, images..2 * images, &mut idle, &mut |_| watch(&known))?;
                        reference.insert(gaussian(&renders))
                    }
                };
                Found::Distance(gaussian(&read).frechet(reference))
            }
        };
        Ok(Finding { images, seconds, found })
    }

    /// What is told of some scenes, and what is seen in their images.
    fn read(
        &self,
        images: &Images,
        indices: Range<u64>,
        work: &mut Work,
        watch: &mut Watch,
    ) -> Result<Vec<(Told, Reading)>, EvaluateError> {
        let (mut read, cost) = (Vec::new(), images.cost());
        for first in indices.clone().step_by(self.config.batch) {
            let subjects = self.subjects(first..indices.end.min(first + self.config.batch as u64));
            let before = work.done;
            let all = cost * subjects.len() as u64;
            let drawn = images.of(self.pipeline, &subjects, &mut |share| {
                work.done = before + (all as f64 * share) as u64;
                watch(work)
            })?;
            work.done = before + all;
            if watch(work).is_break() {
                return Err(EvaluateError::Cancelled);
            }
            let readings = self.classifier.read(&drawn.iter().map(Vec::as_slice).collect::<Vec<_>>());
            read.extend(subjects.into_iter().map(|subject| subject.sample.told).zip(readings));
        }
        Ok(read)
    }

    fn subjects(&self, indices: Range<u64>) -> Vec<Subject> {
        let (seed, pixels) = (self.config.seed, self.classifier.config().pixels);
        let subject = |i| Subject { sample: Split::HeldOut.sample(i, seed, pixels), seed: seed.wrapping_add(i) };
        indices.map(subject).collect()
    }
}

fn gaussian(read: &[(Told, Reading)]) -> Gaussian {
    Gaussian::of(read.iter().map(|(_, reading)| reading.features.as_slice()))
}
