use std::io::Write;
use std::path::Path;

use rawzip::ZipArchiveWriter;

use crate::SingleTensor;

/// Writes what `torch.save({"state_dict": tensors, "global_step": step})` writes, and a callback's state, as training
/// checkpoints have it.
///
/// # Panics
///
/// Panics if that fails.
pub fn save_torch(tensors: &[SingleTensor], step: u32, file: &Path) {
    let storage = |(i, tensor): (usize, &SingleTensor)| {
        (format!("model/data/{i}"), tensor.numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
    };
    let mut files: Vec<(String, Vec<u8>)> = vec![("model/data.pkl".into(), pickle(tensors, step))];
    files.extend(tensors.iter().enumerate().map(storage));
    files.push(("model/version".into(), b"3\n".to_vec()));
    std::fs::write(file, zip(&files)).expect("the temporary folder can be written");
}

/// Returns an uncompressed zip archive, as PyTorch writes it, of files with these names and contents.
///
/// # Panics
///
/// Panics if a name is not allowed in an archive.
pub fn zip(files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let (mut entry, config) = archive.new_file(name.as_ref()).start().expect("memory can be written");
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes.as_ref()).expect("memory can be written");
        let (_, descriptor) = writer.finish().expect("memory can be written");
        entry.finish(descriptor).expect("memory can be written");
    }
    archive.finish().expect("memory can be written")
}

fn pickle(tensors: &[SingleTensor], step: u32) -> Vec<u8> {
    let mut bytes = b"\x80\x02}(".to_vec();
    text(&mut bytes, "global_step");
    number(&mut bytes, step as usize);
    text(&mut bytes, "callbacks");
    bytes.extend(b"}cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n}s");
    text(&mut bytes, "state_dict");
    bytes.extend(b"ccollections\nOrderedDict\n)R(");
    for (i, tensor) in tensors.iter().enumerate() {
        text(&mut bytes, &tensor.key);
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut bytes, "storage");
        bytes.extend(b"ctorch\nHalfStorage\n");
        text(&mut bytes, &i.to_string());
        text(&mut bytes, "cpu");
        number(&mut bytes, tensor.numbers.len());
        bytes.extend(b"tQK\0");
        let mut stride = tensor.numbers.len();
        let strides: Vec<usize> = tensor
            .shape
            .iter()
            .map(|n| {
                stride /= n;
                stride
            })
            .collect();
        for sizes in [&tensor.shape, &strides] {
            bytes.push(b'(');
            sizes.iter().for_each(|size| number(&mut bytes, *size));
            bytes.push(b't');
        }
        bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    bytes.extend(b"uu.");
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'X');
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn number(bytes: &mut Vec<u8>, number: usize) {
    bytes.push(b'J');
    bytes.extend((number as u32).to_le_bytes());
}
