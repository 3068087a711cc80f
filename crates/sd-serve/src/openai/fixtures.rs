//! Forms and images for tests.

use axum::body::Bytes;

use super::fields::Fields;

pub fn json(text: &str) -> Fields {
    Fields::new(serde_json::from_str(text).unwrap())
}

pub fn form(texts: &[(&str, &str)], files: &[(&str, &[u8])]) -> Fields {
    let mut fields = Fields::default();
    for (name, text) in texts {
        fields.add_text(name.to_string(), text.to_string());
    }
    for (name, file) in files {
        fields.add_file(name.to_string(), Bytes::copy_from_slice(file));
    }
    fields
}

pub fn png(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    encoded(width, height, 2, 3, rgb)
}

pub fn rgba(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    encoded(width, height, 6, 4, rgba)
}

/// A PNG file whose pixels are stored without compression.
fn encoded(width: u32, height: u32, colour: u8, channels: usize, pixels: &[u8]) -> Vec<u8> {
    let rows = pixels.chunks(width as usize * channels);
    let raw: Vec<u8> = rows.flat_map(|row| std::iter::once(0).chain(row.iter().copied())).collect();
    let (mut a, mut b) = (1u32, 0u32);
    for byte in &raw {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let length = raw.len() as u16;
    let mut zlib = vec![0x78, 0x01, 1];
    zlib.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    zlib.extend(raw);
    zlib.extend(((b << 16) | a).to_be_bytes());
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, colour, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    for (kind, data) in [(b"IHDR", &header), (b"IDAT", &zlib), (b"IEND", &Vec::new())] {
        file.extend((data.len() as u32).to_be_bytes());
        let chunk = [kind.as_slice(), data].concat();
        file.extend(&chunk);
        file.extend(checksum(&chunk).to_be_bytes());
    }
    file
}

/// PNG's checksum, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |rest: u32| if rest & 1 == 1 { 0xEDB8_8320 ^ (rest >> 1) } else { rest >> 1 };
    !bytes.iter().fold(u32::MAX, |rest, byte| (0..8).fold(rest ^ u32::from(*byte), |rest, _| step(rest)))
}
