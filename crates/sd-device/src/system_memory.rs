//! The system's total and available memory.

use std::path::{Path, PathBuf};

use sysinfo::System;

/// The memory that this process may use, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemMemory {
    /// Total memory of the machine, or less if a control group (a container) has a limit.
    pub total: u64,
    /// Memory available now: free memory, and memory that the kernel would free, such as cached pages of files.
    pub available: u64,
    /// Swap space.
    pub swap: u64,
}

impl SystemMemory {
    /// Reads the current values; `None` if the system does not report them.
    pub fn read() -> Option<Self> {
        if let Some(memory) = Self::read_linux(Path::new("/")) {
            return Some(memory);
        }
        let mut system = System::new();
        system.refresh_memory();
        let (total, available, swap) = (system.total_memory(), system.available_memory(), system.total_swap());
        (total > 0).then_some(Self { total, available, swap })
    }

    /// Reads Linux's files below `root` and takes the minimum over the machine and every control group of this process.
    fn read_linux(root: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
        let kilobytes = |key: &str| -> Option<u64> {
            let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            Some(rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        let total = kilobytes("MemTotal")?;
        // Kernels before 3.14 do not report available memory.
        let available = kilobytes("MemAvailable").or_else(|| Some(kilobytes("MemFree")? + kilobytes("Cached")?))?;
        let machine = Self { total, available, swap: kilobytes("SwapTotal").unwrap_or(0) };
        Some(groups(root).iter().fold(machine, |least, group| Self {
            total: group.limit().map_or(least.total, |limit| least.total.min(limit)),
            available: group.available().map_or(least.available, |available| least.available.min(available)),
            swap: least.swap,
        }))
    }
}

/// Returns the most memory that this process can have, in bytes and including swap; `None` if unknown.
pub fn host_memory() -> Option<u64> {
    SystemMemory::read().map(|memory| memory.total.saturating_add(memory.swap))
}

/// A control group, which may have a limit.
#[derive(Debug)]
struct Group {
    folder: PathBuf,
    files: &'static Files,
}

/// Names of the files in one version of control groups.
#[derive(Debug)]
struct Files {
    limit: &'static str,
    /// Above this, the kernel throttles a process until it uses less.
    high: Option<&'static str>,
    usage: &'static str,
    /// Lines of `memory.stat` for pages of files that were read once and more than once. They count as used, but the kernel
    /// frees them on demand. `MemAvailable` includes both too.
    reclaimable: [&'static str; 2],
}

static V1: Files = Files {
    limit: "memory.limit_in_bytes",
    high: None,
    usage: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file", "total_active_file"],
};

static V2: Files = Files {
    limit: "memory.max",
    high: Some("memory.high"),
    usage: "memory.current",
    reclaimable: ["inactive_file", "active_file"],
};

impl Group {
    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(name)).ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.read(name)?.trim().parse().ok()
    }

    /// The limit in bytes. Without a limit, version 2 has `max`, and version 1 a number larger than any memory.
    fn limit(&self) -> Option<u64> {
        self.number(self.files.limit)
    }

    /// Bytes available now; `None` without a limit.
    fn available(&self) -> Option<u64> {
        let high = self.files.high.and_then(|name| self.number(name));
        let limit = self.limit().into_iter().chain(high).min()?;
        let used = self.number(self.files.usage)?;
        let stat = self.read("memory.stat").unwrap_or_default();
        let pages = stat.lines().filter_map(|line| {
            let (key, bytes) = line.split_once(' ')?;
            self.files.reclaimable.contains(&key).then(|| bytes.trim().parse::<u64>().ok())?
        });
        Some(limit.saturating_sub(used.saturating_sub(pages.sum())))
    }
}

/// The control groups of this process and all their ancestors.
fn groups(root: &Path) -> Vec<Group> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let (own, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let mut groups = Vec::new();
    for (files, mount) in mounts.lines().filter_map(mount) {
        // `4:memory:/group` in version 1, `0::/group` in version 2.
        let controls_memory = |controllers: &str| match std::ptr::eq(files, &V2) {
            true => controllers.is_empty(),
            false => controllers.split(',').any(|name| name == "memory"),
        };
        let group = own.lines().find_map(|line| {
            let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
            controls_memory(controllers).then_some(group)
        });
        // A container may see only a part of the hierarchy, whose root is then its own group.
        let Some(group) = group else { continue };
        let below = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
        let below = if group.contains("..") { Path::new("") } else { below };
        let folders = below.ancestors().map(|below| root.join(mount.folder.trim_start_matches('/')).join(below));
        groups.extend(folders.map(|folder| Group { folder, files }));
    }
    groups
}

/// A mounted hierarchy of control groups.
struct Mount<'a> {
    /// The group at its root.
    root: &'a str,
    folder: &'a str,
}

/// Parses a line of `mountinfo`; `None` unless it mounts control groups that control memory.
fn mount(line: &str) -> Option<(&'static Files, Mount<'_>)> {
    let (fields, kind) = line.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let files = match (kind.next()?, kind.nth(1)?) {
        ("cgroup2", _) => &V2,
        ("cgroup", options) if options.split(',').any(|option| option == "memory") => &V1,
        _ => return None,
    };
    let mut fields = fields.split(' ').skip(3);
    Some((files, Mount { root: fields.next()?, folder: fields.next()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    900 kB\nCached:  700 kB\n\
                           SwapTotal:       50 kB\n";
    const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1_MOUNT: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                            32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

    /// Writes files, and groups as folder, limits, usage and pages of files in kB, and reads total, available and swap in
    /// kB.
    fn memory(files: &[(&str, &str)], groups: &[(&str, [&str; 2], u64, [u64; 2])]) -> Option<[u64; 3]> {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        files.iter().for_each(|(name, text)| write(name, text));
        for (folder, limits, usage, [inactive, active]) in groups {
            let (files, [v1, v2]) =
                if folder.contains("memory") { (&V1, ["total_", ""]) } else { (&V2, ["", "total_"]) };
            let file = |name: &str| format!("{folder}/{name}");
            write(&file(files.limit), limits[0]);
            files.high.into_iter().for_each(|high| write(&file(high), limits[1]));
            write(&file(files.usage), &format!("{}\n", usage * 1024));
            let [inactive, active] = [inactive * 1024, active * 1024];
            // The other version's keys mean something else in this version's file.
            let stat = [
                format!("anon 5\n{v1}inactive_file {inactive}\n{v1}active_file {active}\n"),
                format!("{v2}inactive_file 1\n{v2}active_file 2\n"),
            ];
            write(&file("memory.stat"), &stat.concat());
        }
        let found = SystemMemory::read_linux(root.path())?;
        Some([found.total, found.available, found.swap].map(|bytes| bytes / 1024))
    }

    fn processes(cgroup: &'static str, mounts: &'static str) -> [(&'static str, &'static str); 3] {
        [("proc/meminfo", MEMINFO), ("proc/self/cgroup", cgroup), ("proc/self/mountinfo", mounts)]
    }

    const NONE: [&str; 2] = ["max\n", "max\n"];
    /// Version 1 without a limit.
    const NONE_V1: [&str; 2] = ["9223372036854771712\n", ""];
    /// 600 kB.
    const SOME: [&str; 2] = ["614400\n", "max\n"];

    #[test]
    fn without_groups_the_kernels_figure_is_used() {
        assert_eq!(memory(&processes("", "")[..1], &[]), Some([1000, 900, 50]));
        let old = MEMINFO.replace("MemAvailable", "Other");
        assert_eq!(memory(&[("proc/meminfo", &old)], &[]), Some([1000, 800, 50]));
        assert_eq!(memory(&[], &[]), None);
    }

    #[test]
    fn pages_of_files_do_not_count_as_used() {
        let files = processes("0::/box\n", V2_MOUNT);
        let used = |usage, pages| memory(&files, &[("sys/fs/cgroup/box", SOME, usage, pages)]);
        assert_eq!(used(500, [0, 0]), Some([600, 100, 50]));
        // Pages that were read once, and pages that were read twice.
        assert_eq!(used(500, [400, 0]), Some([600, 500, 50]));
        assert_eq!(used(500, [100, 300]), Some([600, 500, 50]));
        assert_eq!(used(700, [0, 0]), Some([600, 0, 50]));
    }

    #[test]
    fn the_minimum_over_all_groups_of_a_process_counts() {
        let files = processes("0::/a/b\n", V2_MOUNT);
        let nested = |outer, inner| {
            memory(&files, &[("sys/fs/cgroup/a", outer, 500, [100, 0]), ("sys/fs/cgroup/a/b", inner, 300, [0, 0])])
        };
        assert_eq!(nested(SOME, NONE), Some([600, 200, 50]));
        assert_eq!(nested(NONE, SOME), Some([600, 300, 50]));
        assert_eq!(nested(SOME, SOME), Some([600, 200, 50]));
        assert_eq!(nested(NONE, NONE), Some([1000, 900, 50]));
        // A sibling group does not matter.
        assert_eq!(memory(&files, &[("sys/fs/cgroup/c", SOME, 600, [0, 0])]), Some([1000, 900, 50]));
    }

    #[test]
    fn throttling_lowers_what_is_available_but_not_the_total() {
        let files = processes("0::/a\n", V2_MOUNT);
        assert_eq!(memory(&files, &[("sys/fs/cgroup/a", ["max", "614400"], 500, [0, 0])]), Some([1000, 100, 50]));
        assert_eq!(memory(&files, &[("sys/fs/cgroup/a", ["819200", "614400"], 500, [0, 0])]), Some([800, 100, 50]));
    }

    #[test]
    fn version_1_is_read_alone_and_beside_version_2() {
        let files = processes("4:memory:/box/a\n1:cpu:/\n0::/\n", V1_MOUNT);
        let nested = |outer, inner| {
            let folder = "sys/fs/cgroup/memory";
            let [outer, inner] =
                [("box", outer), ("box/a", inner)].map(|(name, limit)| (format!("{folder}/{name}"), limit));
            memory(&files, &[(&outer.0, outer.1, 500, [300, 100]), (&inner.0, inner.1, 200, [0, 50])])
        };
        assert_eq!(nested(NONE_V1, NONE_V1), Some([1000, 900, 50]));
        assert_eq!(nested(SOME, NONE_V1), Some([600, 500, 50]));
        assert_eq!(nested(NONE_V1, SOME), Some([600, 450, 50]));
    }

    /// A container with its own namespace sees its group as the root; without one, only its part of the hierarchy is
    /// mounted.
    #[test]
    fn in_a_container_its_own_group_is_the_root() {
        let seen = [("sys/fs/cgroup", SOME, 400, [100, 0])];
        assert_eq!(memory(&processes("0::/\n", V2_MOUNT), &seen), Some([600, 300, 50]));
        assert_eq!(memory(&processes("0::/../other\n", V2_MOUNT), &seen), Some([600, 300, 50]));
        let docker = "35 31 0:32 /docker/0123 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let seen = [("sys/fs/cgroup/memory", SOME, 400, [100, 0]), ("sys/fs/cgroup/memory/inner", SOME, 600, [0, 0])];
        assert_eq!(memory(&processes("4:memory:/docker/0123\n", docker), &seen), Some([600, 300, 50]));
        assert_eq!(memory(&processes("4:memory:/docker/0123/inner\n", docker), &seen), Some([600, 0, 50]));
        assert_eq!(memory(&processes("4:memory:/elsewhere\n", docker), &seen), Some([600, 300, 50]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory() {
        let found = SystemMemory::read().unwrap();
        assert!(found.total > 1 << 20 && (1..=found.total).contains(&found.available), "{found:?}");
    }
}
