use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Returns the mean and the largest difference between the bytes of an image and those of a PNG file.
///
/// # Panics
///
/// Panics if the file cannot be read, or has another number of bytes.
pub fn difference(found: &[u8], file: &Path) -> (f64, u8) {
    let reader = png::Decoder::new(BufReader::new(File::open(file).expect("the file is there")));
    let mut reader = reader.read_info().expect("it is a PNG file");
    let mut expected = vec![0; reader.output_buffer_size().expect("it fits into memory")];
    reader.next_frame(&mut expected).expect("it is complete");
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
    let mean = differences.clone().map(f64::from).sum::<f64>() / found.len() as f64;
    (mean, differences.max().unwrap_or(0))
}
