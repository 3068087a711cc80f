//! The memory of this process.

/// Returns the bytes of memory that this process uses and those of the machine, where Linux's files say so.
pub(super) fn memory() -> Option<[u64; 2]> {
    let used = kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")?;
    let total = kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    Some([used * 1024, total * 1024])
}

fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read() {
        assert_eq!(kilobytes("Name:\tsd\nVmRSS:\t  123456 kB\n", "VmRSS:"), Some(123_456));
        assert_eq!(kilobytes("VmRSS:\t12 MB\n", "VmRSS:"), None);
        assert_eq!(kilobytes("", "VmRSS:"), None);
    }
}
