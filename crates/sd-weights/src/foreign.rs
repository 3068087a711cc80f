//! Other files that people name in place of weights, recognised by their first bytes.

/// The first bytes of a file, and its description in the error.
const STARTS: [(&[u8], &str); 20] = [
    (b"version https://git-lfs", "it is a pointer that git-lfs left in place of the file: run `git lfs pull`"),
    (b"<", "it is a web page: the download went wrong, download it again"),
    (b"\x89PNG", IMAGE_PNG),
    (b"\xff\xd8\xff", "it is a JPEG image"),
    (b"GIF8", "it is a GIF image"),
    (b"BM", "it is a BMP image"),
    (b"II*\0", "it is a TIFF image"),
    (b"MM\0*", "it is a TIFF image"),
    (b"%PDF", "it is a PDF document"),
    (b"lmgg", "it is a GGML file, which is not read: get the model as safetensors"),
    (b"\x89HDF", "it is an HDF5 file, which is not read: get the model as safetensors"),
    (b"\x93NUMPY", "it is an array of NumPy, which is not read: get the weights as safetensors"),
    (b"PK\x05\x06", "it is an empty zip archive: download it again"),
    (b"\x1f\x8b", "it is compressed with gzip: unpack it first"),
    (b"7z\xbc\xaf", "it is a 7-Zip archive: unpack it first"),
    (b"Rar!", "it is a RAR archive: unpack it first"),
    (b"\xfd7zXZ", "it is compressed with xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with Zstandard: unpack it first"),
    (b"\x7fELF", "it is a program"),
    (b"MZ", "it is a program"),
];

const IMAGE_PNG: &str = "it is a PNG image; embeddings that the web interface hides in images are not read: get the .pt or \
                         .safetensors file";

/// Formats whose mark is further inside: its offset, its bytes and the description.
const INSIDE: [(usize, &[u8], &str); 5] = [
    (8, b"WEBP", "it is a WebP image"),
    (4, b"ftypavif", "it is an AVIF image"),
    (4, b"ftypheic", "it is an HEIC image"),
    (4, b"ftyp", "it is a video"),
    (257, b"ustar", "it is a tar archive: unpack it first"),
];

/// Describes a file that starts with these bytes, if it is known not to be weights.
pub(crate) fn describe(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = STARTS.iter().find(|(begin, _)| start.starts_with(begin) || text.starts_with(begin));
    let inside = INSIDE.iter().find(|(at, mark, _)| start.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
    let known = begins.map(|(_, description)| *description).or(inside.map(|(.., description)| *description));
    known.or_else(|| match text.first() {
        _ if start.len() > 8 && start.iter().all(|byte| *byte == 0) => {
            Some("it begins with nothing but zeros: the download went wrong, download it again")
        }
        _ if !is_text(start) => None,
        Some(b'{' | b'[') => Some("it is a JSON file without weights: name the file of weights that belongs to it"),
        _ => Some("it is a text without weights: if it is a download, download it again"),
    })
}

/// Whether this is the beginning of a text of some length; the last character may be cut.
fn is_text(start: &[u8]) -> bool {
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or(""),
        Err(_) => return false,
    };
    valid.len() > 8 && !valid.contains(|c: char| c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        for (start, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "PNG image"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG image"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "WebP image"),
            (b"\0\0\0\x20ftypavif", "AVIF image"),
            (b"\n <!DOCTYPE html>", "web page"),
            (b"\xef\xbb\xbf<html>", "web page"),
            (b"{\"model_type\": \"clip\"}", "JSON"),
            (b"learning_rate: 1e-4\nsteps: 500\n", "a text without weights"),
            ("ein Wörterbuch, das mitten im Zeichen endet ü".as_bytes().split_last().unwrap().1, "a text"),
            (&[&[0; 257][..], b"ustar\0"].concat(), "tar archive"),
            (&[0; 512], "nothing but zeros"),
        ] {
            assert!(describe(start).is_some_and(|found| found.contains(expected)), "{expected}: {:?}", describe(start));
        }
        for start in [&b""[..], b"{}", &[0; 8], b"\x10\0\0\0\0\0\0\0 {}", b"\x80\x02}q\x00."] {
            assert_eq!(describe(start), None, "{start:?}");
        }
    }
}
