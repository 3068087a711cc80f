use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Computes a file's checksum of the same kind as `expected`: SHA-256 for large files, git's SHA-1 for small ones; `None`
/// for another kind.
pub(crate) fn checksum(file: &Path, expected: &str) -> io::Result<Option<String>> {
    let is_hex = expected.bytes().all(|b| b.is_ascii_hexdigit());
    match expected.len() {
        64 if is_hex => hash(file, Sha256::new()).map(Some),
        40 if is_hex => {
            // Git hashes the type, the length, a zero byte and the file.
            let header = format!("blob {}\0", file.metadata()?.len());
            hash(file, Sha1::new().chain_update(header)).map(Some)
        }
        _ => Ok(None),
    }
}

fn hash<D: Digest>(file: &Path, mut digest: D) -> io::Result<String> {
    let (mut file, mut block) = (File::open(file)?, vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            break;
        }
        digest.update(&block[..count]);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_hub() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "hello\n").unwrap();
        for expected in [
            // Computed by `git hash-object` and `sha256sum`.
            "ce013625030ba8dba906f756967f9e9ca394464a",
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        ] {
            assert_eq!(checksum(&file, expected).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(checksum(&file, "another-kind").unwrap(), None);
    }
}
