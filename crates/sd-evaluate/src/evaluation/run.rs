use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::time::Instant;

use sd_pipeline::Pipeline;
use sd_scenes::{CaptionFacts, Split};

use super::config::EvaluationConfig;
use super::images::{Images, Subject};
use super::measurement::{Finding, Found, Measurement, Metric};
use super::store::Store;
use crate::{Classifier, ClassifierConfig, EvaluateError, Gaussian, Judgement, Reading};

/// A model, the classifier that judges it, and what is measured.
#[derive(Debug)]
pub struct Evaluation<'a> {
    /// The model.
    pub pipeline: &'a Pipeline,
    /// The classifier that reads its images.
    pub classifier: &'a Classifier,
    /// What is measured.
    pub config: EvaluationConfig,
}

/// The progress of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The name of the current measurement.
    pub measurement: String,
    /// Work done on measurements that were not there before, in network calls or thereabouts.
    pub done: u64,
    /// All work on them.
    pub total: u64,
}

/// Receives the progress of an evaluation, and can stop it.
pub type Watch<'a> = dyn FnMut(&Work) -> ControlFlow<()> + 'a;

impl Evaluation<'_> {
    /// Makes all measurements that `folder` does not contain yet, and returns all of them. Each is written as soon as it
    /// is made, so that a stopped evaluation can be resumed.
    ///
    /// `digests` are those of the weights of the model and of the classifier; see [`digest`](crate::digest).
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Request`] if the folder contains an evaluation of another model or with other settings, or if
    /// the model cannot draw the samples; and errors of drawing and writing.
    pub fn run(
        &self,
        folder: &Path,
        digests: [&str; 2],
        watch: &mut Watch,
    ) -> Result<Vec<(Measurement, Finding)>, EvaluateError> {
        self.check()?;
        let store = Store::open(folder, digests, &self.config)?;
        let measurements = self.config.measurements();
        let known = measurements.iter().map(|measurement| store.finding(measurement)).collect::<Result<Vec<_>, _>>()?;
        let open = measurements.iter().zip(&known).filter(|(_, known)| known.is_none());
        let total = open.map(|(measurement, _)| self.cost(measurement)).sum();
        let mut work = Work { measurement: String::new(), done: 0, total };
        let (mut findings, mut reference) = (Vec::new(), None);
        for (measurement, known) in measurements.into_iter().zip(known) {
            let finding = match known {
                Some(finding) => finding,
                None => {
                    work.measurement = measurement.to_string();
                    let finding = self.measure(&measurement, &mut reference, &mut work, watch)?;
                    store.keep(&measurement, &finding)?;
                    finding
                }
            };
            findings.push((measurement, finding));
        }
        Ok(findings)
    }

    /// Refuses what the model cannot draw, before it has drawn for hours.
    fn check(&self) -> Result<(), EvaluateError> {
        let EvaluationConfig { samples, batch, .. } = self.config;
        if samples == 1 || batch == 0 {
            return Err(EvaluateError::Request(format!(
                "{samples} samples in batches of {batch}: a distance needs at least 2 samples, and a batch at least 1"
            )));
        }
        let subject = self.subjects(0..1).remove(0);
        for measurement in self.config.measurements() {
            if let Images::Samples(drawing) = &measurement.images {
                let reason = |error| EvaluateError::Request(format!("{measurement}: {error}"));
                self.pipeline.plan(&drawing.request(&subject)).map_err(reason)?;
            }
        }
        Ok(())
    }

    fn cost(&self, measurement: &Measurement) -> u64 {
        self.config.images(measurement.metric) * measurement.images.cost()
    }

    fn measure(
        &self,
        measurement: &Measurement,
        reference: &mut Option<Gaussian>,
        work: &mut Work,
        watch: &mut Watch,
    ) -> Result<Finding, EvaluateError> {
        let images = self.config.images(measurement.metric);
        let started = Instant::now();
        let read = self.read(&measurement.images, 0..images, work, watch)?;
        let seconds = started.elapsed().as_secs_f64();
        let found = match measurement.metric {
            Metric::Accuracy => {
                let mut judgement = Judgement::default();
                read.iter().for_each(|(facts, reading)| judgement.judge(facts, &reading.scene));
                Found::Accuracy(judgement)
            }
            Metric::Distance => {
                let reference = match reference {
                    Some(known) => known,
                    // Other scenes than those of the drawn captions.
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

    /// Returns the facts in the captions of some scenes, and the readings of their images.
    fn read(
        &self,
        images: &Images,
        indices: Range<u64>,
        work: &mut Work,
        watch: &mut Watch,
    ) -> Result<Vec<(CaptionFacts, Reading)>, EvaluateError> {
        let (mut read, cost) = (Vec::new(), images.cost());
        for first in indices.clone().step_by(self.config.batch) {
            let subjects = self.subjects(first..indices.end.min(first + self.config.batch as u64));
            let before = work.done;
            let all = cost * subjects.len() as u64;
            let drawn = images.rgb(self.pipeline, &subjects, &mut |share| {
                work.done = before + (all as f64 * share) as u64;
                watch(work)
            })?;
            work.done = before + all;
            if watch(work).is_break() {
                return Err(EvaluateError::Cancelled);
            }
            let readings = self.classifier.read(&drawn.iter().map(Vec::as_slice).collect::<Vec<_>>());
            read.extend(subjects.into_iter().map(|subject| subject.sample.facts).zip(readings));
        }
        Ok(read)
    }

    fn subjects(&self, indices: Range<u64>) -> Vec<Subject> {
        let (seed, ClassifierConfig { pixels, style, .. }) = (self.config.seed, self.classifier.config());
        let sample = |i| Split::HeldOut.sample(i, seed, *pixels).in_style(*style);
        let subject = |i| Subject { sample: sample(i), seed: seed.wrapping_add(i) };
        indices.map(subject).collect()
    }
}

fn gaussian(read: &[(CaptionFacts, Reading)]) -> Gaussian {
    Gaussian::from_rows(read.iter().map(|(_, reading)| reading.features.as_slice()))
}
