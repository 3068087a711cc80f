use sysinfo::System;

/// Bytes of memory that this process can have at most, what the system swaps out included; none where the system does not
/// say.
pub fn host_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    let memory = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory).min(system.total_memory());
    (memory > 0).then(|| memory.saturating_add(system.total_swap()))
}
