use sd_device::{DeviceInfo, Tuning, best_device, device_names, devices};
use sd_pipeline::Error;

use crate::driver;
use crate::print::print;
use crate::reporter::ProgressKind;

/// Prints the devices of this machine and this build.
pub fn run() -> Result<(), Error> {
    driver::set_up(Tuning::Thorough, ProgressKind::None);
    let devices = devices();
    let has_failed = devices.iter().any(|info| info.precisions.is_empty());
    let error = if has_failed { driver::error() } else { None };
    let error = error.map(|message| format!("The failed driver reports: {message}\n"));
    let [table, absent, error] = [table(&devices), absent(), error.unwrap_or_default()];
    let text = format!("{table}\n{error}{absent}Without --device: {}\n", best_device()?.name);
    print(&text);
    Ok(())
}

fn table(devices: &[DeviceInfo]) -> String {
    let width = devices.iter().map(|info| info.hardware.len()).max().unwrap_or(0).max("HARDWARE".len());
    let mut text =
        format!("{:<10} {:<width$} {:>9}  {:<15} COMPUTES WITH\n", "DEVICE", "HARDWARE", "MEMORY", "PRECISIONS");
    for DeviceInfo { name, hardware, driver, memory, precisions, .. } in devices {
        let memory = memory.map_or("-".into(), |bytes| format!("{:.1} GB", bytes as f64 / 1e9));
        let precisions: Vec<String> = precisions.iter().map(ToString::to_string).collect();
        let precisions = precisions.join(", ");
        let line = format!("{name:<10} {hardware:<width$} {memory:>9}  {precisions:<15} {driver}");
        text += &format!("{}\n", line.trim_end());
    }
    text
}

/// A line about the backends that this build lacks.
fn absent() -> String {
    let absent: Vec<&str> = device_names().filter(|(_, is_here)| !is_here).map(|(name, _)| name).collect();
    if absent.is_empty() {
        return String::new();
    }
    format!("Not in this build: {} (build with `--features NAME`)\n", absent.join(", "))
}
