//! Batches that this machine draws.

use std::ops::ControlFlow;

use sd_batch::{Event, Models, Run, Tally, group};

use super::progress::BatchProgress;
use super::{Args, stop};
use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::progress::Progress;

pub fn run(args: &Args) -> Result<(), Failure> {
    let missing = || Failure::usage("--output is missing: name a folder for the images".into());
    let folder = args.folder()?.ok_or_else(missing)?;
    let cancel = Cancel::on_ctrl_c();
    let mut engine = args.library.engine(&mut Progress::new(args.progress), &cancel)?;
    let mut items = args.items(Models::Own(engine.library()))?;
    group(&mut items);
    let run = Run { items: &items, folder, format: args.format, stop_on_error: args.stop_on_error };
    let mut progress = BatchProgress::new(args.progress, items.len());
    progress.begin(items.len() - run.missing().len());
    let is_cancelled = stop(&cancel);
    let mut tally = Tally::default();
    let device = engine.options().device.name.clone();
    on_device(&device, || -> Result<(), Failure> {
        let mut report = |event: Event| {
            match event {
                Event::Begun(index) => progress.begun(&items[index].file_name(args.format)),
                Event::Step(_, step) => {
                    driver::called();
                    progress.step(step);
                }
                Event::Drawn(_, file) => progress.drawn(file),
                Event::Failed(index, reason) => progress.failed(&items[index].file_name(args.format), reason),
            }
            if is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        tally = run.draw(&mut engine, &mut report)?;
        Ok(())
    })?;
    progress.end(tally.drawn, tally.skipped, tally.failed.len());
    args.end(&items, &tally.failed, Some(folder), tally.is_stopped, &mut progress)
}
