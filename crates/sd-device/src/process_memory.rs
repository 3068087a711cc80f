//! The memory of this process.

/// The memory of this process that is in the machine's, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Now.
    pub now: u64,
    /// The most since it was started.
    pub peak: u64,
}

impl ProcessMemory {
    /// Reads the current values; `None` where the system does not report them: only Linux does.
    pub fn read() -> Option<Self> {
        Self::of_status(&std::fs::read_to_string("/proc/self/status").ok()?)
    }

    fn of_status(text: &str) -> Option<Self> {
        let kilobytes = |key: &str| -> Option<u64> {
            let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            Some(rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        Some(Self { now: kilobytes("VmRSS")?, peak: kilobytes("VmHWM")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_linux_is_read() {
        let text = "Name:\tsd\nVmPeak:\t  999 kB\nVmHWM:\t   30 kB\nVmRSS:\t   20 kB\n";
        assert_eq!(ProcessMemory::of_status(text), Some(ProcessMemory { now: 20 * 1024, peak: 30 * 1024 }));
        assert_eq!(ProcessMemory::of_status("VmRSS: 20 kB"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_was_used_stays_in_the_peak() {
        let before = ProcessMemory::read().unwrap();
        let used = vec![1_u8; 64 << 20];
        assert_eq!(used.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 64 << 20);
        drop(used);
        let after = ProcessMemory::read().unwrap();
        assert!(after.peak >= before.now.max(after.now) && after.peak > 64 << 20, "{before:?} {after:?}");
    }
}
