//! How much memory the system has, and how much of it could be had now.

use std::path::{Path, PathBuf};

use sysinfo::System;

/// The memory that this process may use, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemMemory {
    /// All of it: the machine's, or less where a control group (a container) has a limit.
    pub total: u64,
    /// What could be had now: what is free, and what the kernel would free for it, such as pages of files that were read.
    pub available: u64,
    /// What can be swapped out beside it.
    pub swap: u64,
}

impl SystemMemory {
    /// As the system says now; none where it does not.
    pub fn read() -> Option<Self> {
        if let Some(memory) = Self::of_linux(Path::new("/")) {
            return Some(memory);
        }
        let mut system = System::new();
        system.refresh_memory();
        let (total, available, swap) = (system.total_memory(), system.available_memory(), system.total_swap());
        (total > 0).then_some(Self { total, available, swap })
    }

    /// As Linux's files below `root` say: the least of the machine and of every control group that the process is in.
    fn of_linux(root: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
        let kilobytes = |key: &str| -> Option<u64> {
            let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            Some(rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        let total = kilobytes("MemTotal")?;
        // Kernels before 3.14 do not say what is available.
        let available = kilobytes("MemAvailable").or_else(|| Some(kilobytes("MemFree")? + kilobytes("Cached")?))?;
        let machine = Self { total, available, swap: kilobytes("SwapTotal").unwrap_or(0) };
        Some(groups(root).iter().fold(machine, |least, group| Self {
            total: group.limit().map_or(least.total, |limit| least.total.min(limit)),
            available: group.available().map_or(least.available, |available| least.available.min(available)),
            swap: least.swap,
        }))
    }
}

/// Bytes of memory that this process can have at most, what the system swaps out included; none where the system does not
/// say.
pub fn host_memory() -> Option<u64> {
    SystemMemory::read().map(|memory| memory.total.saturating_add(memory.swap))
}

/// A control group, which may have a limit.
#[derive(Debug)]
struct Group {
    folder: PathBuf,
    files: &'static Files,
}

/// What a version of control groups calls its files.
#[derive(Debug)]
struct Files {
    limit: &'static str,
    /// Above this, the kernel holds a process back until it uses less.
    high: Option<&'static str>,
    usage: &'static str,
    /// Lines of `memory.stat`: pages of files, which count as used and which the kernel frees for whoever needs them, those that
    /// were read once and those that were read again. `MemAvailable` counts both too.
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

    /// What it may use at most. Without a limit, version 2 says `max`, and version 1 a number larger than any memory.
    fn limit(&self) -> Option<u64> {
        self.number(self.files.limit)
    }

    /// What could be had now; none where there is no limit.
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

/// The control groups that this process is in, with all that these are in.
fn groups(root: &Path) -> Vec<Group> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let (own, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let mut groups = Vec::new();
    for (files, mount) in mounts.lines().filter_map(mount) {
        // `4:memory:/group` in version 1, `0::/group` in version 2.
        let is_of = |controllers: &str| match std::ptr::eq(files, &V2) {
            true => controllers.is_empty(),
            false => controllers.split(',').any(|name| name == "memory"),
        };
        let group = own.lines().find_map(|line| {
            let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
            is_of(controllers).then_some(group)
        });
        // A container may see a part of the hierarchy only, whose root is then its own group.
        let Some(group) = group else { continue };
        let below = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
        let below = if group.contains("..") { Path::new("") } else { below };
        let folders = below.ancestors().map(|below| root.join(mount.folder.trim_start_matches('/')).join(below));
        groups.extend(folders.map(|folder| Group { folder, files }));
    }
    groups
}

/// Where a hierarchy of control groups is mounted.
struct Mount<'a> {
    /// The group that is its root.
    root: &'a str,
    folder: &'a str,
}

/// A line of `mountinfo`, if it is of control groups that have to do with memory.
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

    /// What is found where these files are, and each group is a folder with a limit, a usage and pages of files in kB.
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
            // What the other version has in its file is something else here.
            let stat = [
                format!("anon 5\n{v1}inactive_file {inactive}\n{v1}active_file {active}\n"),
                format!("{v2}inactive_file 1\n{v2}active_file 2\n"),
            ];
            write(&file("memory.stat"), &stat.concat());
        }
        let found = SystemMemory::of_linux(root.path())?;
        Some([found.total, found.available, found.swap].map(|bytes| bytes / 1024))
    }

    fn processes(cgroup: &'static str, mounts: &'static str) -> [(&'static str, &'static str); 3] {
        [("proc/meminfo", MEMINFO), ("proc/self/cgroup", cgroup), ("proc/self/mountinfo", mounts)]
    }

    const NONE: [&str; 2] = ["max\n", "max\n"];
    /// What version 1 says where there is no limit.
    const NONE_V1: [&str; 2] = ["9223372036854771712\n", ""];
    /// 600 kB.
    const SOME: [&str; 2] = ["614400\n", "max\n"];

    #[test]
    fn without_groups_it_is_what_the_kernel_says_is_available() {
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
        // A model that was read once, and one that was read twice.
        assert_eq!(used(500, [400, 0]), Some([600, 500, 50]));
        assert_eq!(used(500, [100, 300]), Some([600, 500, 50]));
        assert_eq!(used(700, [0, 0]), Some([600, 0, 50]));
    }

    #[test]
    fn the_least_of_all_groups_that_a_process_is_in_counts() {
        let files = processes("0::/a/b\n", V2_MOUNT);
        let of = |outer, inner| {
            memory(&files, &[("sys/fs/cgroup/a", outer, 500, [100, 0]), ("sys/fs/cgroup/a/b", inner, 300, [0, 0])])
        };
        assert_eq!(of(SOME, NONE), Some([600, 200, 50]));
        assert_eq!(of(NONE, SOME), Some([600, 300, 50]));
        assert_eq!(of(SOME, SOME), Some([600, 200, 50]));
        assert_eq!(of(NONE, NONE), Some([1000, 900, 50]));
        // A group beside it does not matter.
        assert_eq!(memory(&files, &[("sys/fs/cgroup/c", SOME, 600, [0, 0])]), Some([1000, 900, 50]));
    }

    #[test]
    fn what_a_group_is_held_back_at_is_no_limit_of_what_it_can_have() {
        let files = processes("0::/a\n", V2_MOUNT);
        assert_eq!(memory(&files, &[("sys/fs/cgroup/a", ["max", "614400"], 500, [0, 0])]), Some([1000, 100, 50]));
        assert_eq!(memory(&files, &[("sys/fs/cgroup/a", ["819200", "614400"], 500, [0, 0])]), Some([800, 100, 50]));
    }

    #[test]
    fn version_1_and_both_versions_beside_each_other_are_read() {
        let files = processes("4:memory:/box/a\n1:cpu:/\n0::/\n", V1_MOUNT);
        let of = |outer, inner| {
            let folder = "sys/fs/cgroup/memory";
            let [outer, inner] =
                [("box", outer), ("box/a", inner)].map(|(name, limit)| (format!("{folder}/{name}"), limit));
            memory(&files, &[(&outer.0, outer.1, 500, [300, 100]), (&inner.0, inner.1, 200, [0, 50])])
        };
        assert_eq!(of(NONE_V1, NONE_V1), Some([1000, 900, 50]));
        assert_eq!(of(SOME, NONE_V1), Some([600, 500, 50]));
        assert_eq!(of(NONE_V1, SOME), Some([600, 450, 50]));
    }

    /// As containers see them: with a name space of their own, where their group is the root, and without one, where only their
    /// own part of the hierarchy is mounted.
    #[test]
    fn in_a_container_its_own_group_is_the_root_of_what_it_sees() {
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
