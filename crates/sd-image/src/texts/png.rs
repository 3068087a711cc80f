//! Texts of PNG files.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// The keyword and the text of a chunk, if it has one of at most `most` bytes.
pub fn text_of(kind: &[u8; 4], data: &[u8], most: usize) -> Option<(String, String)> {
    let (keyword, data) = split(data)?;
    let text = match kind {
        b"tEXt" => latin1(data),
        b"zTXt" => latin1(&inflated(data.strip_prefix(&[0])?, most)?),
        b"iTXt" => {
            let (is_compressed, data) = data.split_first_chunk::<2>()?;
            let (_language, data) = split(data)?;
            let (_translated_keyword, data) = split(data)?;
            match is_compressed {
                [0, _] => utf8(data),
                [1, 0] => utf8(&inflated(data, most)?),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some((latin1(keyword), text))
}

/// What is before and after the first zero byte.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

fn inflated(data: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(data).take(most as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= most).then_some(bytes)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
