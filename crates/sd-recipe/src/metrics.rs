use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use sd_train::Progress;
use sd_weights::write_atomically;
use serde::{Deserialize, Serialize};

use crate::RecipeError;

/// Steps in each line of the metrics.
const EVERY: u64 = 10;

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Steps made so far.
    pub step: u64,
    /// The mean loss of the last ten steps.
    pub loss: f64,
    /// The norm of the gradients of the last step.
    pub gradient_norm: f64,
    /// The learning rate of the last step.
    pub rate: f64,
    /// Seconds of training, without pauses.
    pub seconds: f64,
}

/// Measurements that are not in a line yet, so that a resumed training writes the same lines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    losses: Vec<f64>,
    /// As in [`Line`].
    seconds: f64,
}

/// The file of a training's metrics, which grows by lines.
pub(crate) struct Metrics {
    file: PathBuf,
    out: BufWriter<File>,
    /// The lines in the file.
    pub lines: Vec<Line>,
    losses: Vec<f64>,
    earlier: f64,
    started: Instant,
}

impl Metrics {
    /// Opens the file in a folder for appending, and drops the lines of steps after `step`, which will be made again.
    pub fn open(folder: &Path, step: u64, pending: Pending) -> Result<Self, RecipeError> {
        let file = folder.join("metrics.jsonl");
        let known = fs::read_to_string(&file).unwrap_or_default();
        // A crash may have cut off a line.
        let known = known.lines().filter_map(|line| serde_json::from_str(line).ok());
        let lines: Vec<Line> = known.take_while(|line: &Line| line.step <= step).collect();
        write_atomically(&file, |out| lines.iter().try_for_each(|line| write_line(out, line)))
            .map_err(RecipeError::io(&file))?;
        let out = OpenOptions::new().append(true).open(&file).map_err(RecipeError::io(&file))?;
        let earlier = lines.last().map_or(0.0, |line| line.seconds).max(pending.seconds);
        let (out, losses) = (BufWriter::new(out), pending.losses);
        Ok(Self { file, out, lines, losses, earlier, started: Instant::now() })
    }

    /// Returns what a checkpoint saves.
    pub fn pending(&self) -> Pending {
        Pending { losses: self.losses.clone(), seconds: self.seconds() }
    }

    fn seconds(&self) -> f64 {
        self.earlier + self.started.elapsed().as_secs_f64()
    }

    /// Adds a step.
    pub fn add(&mut self, progress: &Progress) -> Result<(), RecipeError> {
        self.losses.push(progress.loss);
        let step = progress.step + 1;
        if !step.is_multiple_of(EVERY) {
            return Ok(());
        }
        let line = Line {
            step,
            loss: self.losses.iter().sum::<f64>() / self.losses.len() as f64,
            gradient_norm: progress.gradient_norm,
            rate: progress.rate,
            seconds: self.seconds(),
        };
        self.losses.clear();
        self.lines.push(line);
        write_line(&mut self.out, &line).and_then(|()| self.out.flush()).map_err(RecipeError::io(&self.file))
    }
}

fn write_line(out: &mut dyn Write, line: &Line) -> std::io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(line).expect("a line is JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(metrics: &mut Metrics, steps: std::ops::Range<u64>) {
        for step in steps {
            metrics.add(&Progress { step, loss: step as f64, gradient_norm: 1.0, rate: 0.1 }).unwrap();
        }
    }

    fn open(folder: &Path, step: u64, pending: Pending) -> Metrics {
        Metrics::open(folder, step, pending).unwrap()
    }

    #[test]
    fn lines_after_the_checkpoint_are_made_again() {
        let folder = tempfile::tempdir().unwrap();
        add(&mut open(folder.path(), 0, Pending::default()), 0..30);
        let mut resumed = open(folder.path(), 20, Pending::default());
        add(&mut resumed, 20..40);
        let steps_and_losses: Vec<_> = resumed.lines.iter().map(|line| (line.step, line.loss)).collect();
        assert_eq!(steps_and_losses, [(10, 4.5), (20, 14.5), (30, 24.5), (40, 34.5)]);
        assert!(resumed.lines.is_sorted_by(|a, b| a.seconds <= b.seconds));
        assert_eq!(open(folder.path(), 40, Pending::default()).lines, resumed.lines);
    }

    #[test]
    fn a_line_is_the_mean_of_all_its_steps_wherever_the_training_was_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut stopped = open(folder.path(), 0, Pending::default());
        add(&mut stopped, 0..17);
        let pending = stopped.pending();
        // Steps that are not in the checkpoint.
        add(&mut stopped, 17..25);
        let pending = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
        let mut resumed = open(folder.path(), 17, pending);
        add(&mut resumed, 17..20);
        assert_eq!(resumed.lines[1].loss, 14.5);
        assert!(resumed.lines[1].seconds >= resumed.lines[0].seconds);
    }
}
