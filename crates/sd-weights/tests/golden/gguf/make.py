"""A GGUF file with a tensor of every type that is read, and the values of each.

Reference: gguf 0.19.0, numpy 2.4.6, safetensors 0.8.0
Writes: kinds.gguf, kinds.safetensors
Test: crates/sd-weights/tests/golden/gguf/mod.rs

The blocks of q4_k, q5_k and q6_k are random bytes with scales of a usual size: the reference reads these kinds and does not write
them.
"""
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent
QUANTIZED = [Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1, Kind.Q8_0]
# Where the half-precision scales of a block lie.
RANDOM = {Kind.Q4_K: [0, 2], Kind.Q5_K: [0, 2], Kind.Q6_K: [208]}


def random_blocks(random, kind, count):
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in RANDOM[kind]:
        scales = random.uniform(-0.01, 0.01, (count, 1)).astype(np.float16)
        blocks[:, at:at + 2] = scales.view(np.uint8)
    return blocks.reshape(count, size)


def main():
    random = np.random.default_rng(0)
    values = random.normal(0, 0.02, (3, 256)).astype(np.float32)
    values[1, 32:64] = 0
    writer = gguf.GGUFWriter(FOLDER / "kinds.gguf", "sd1")
    writer.add_string("modelspec.prediction_type", "v")
    writer.add_array("words", ["a", "list"])
    writer.add_array("scores", [0.5] * 100)
    expected = {}

    def add(name, data, kind, shape=None):
        writer.add_tensor(name, data, raw_dtype=kind)
        found = gguf.quants.dequantize(data, kind)
        expected[name] = found.reshape(shape) if shape else found

    add("values", values, Kind.F32)
    add("half", values[:2, :5].astype(np.float16), Kind.F16)
    add("bfloat", gguf.quants.quantize(values[:, :6], Kind.BF16), Kind.BF16)
    for kind in QUANTIZED:
        add(kind.name.lower(), gguf.quants.quantize(values, kind), kind)
    for kind in RANDOM:
        add(kind.name.lower(), random_blocks(random, kind, 3), kind)
    # As ComfyUI-GGUF writes convolutions: in rows that are whole blocks.
    shape = (2, 8, 4, 4)
    writer.add_array("comfy.gguf.orig_shape.convolution", shape)
    add("convolution", gguf.quants.quantize(values[0].reshape(1, 256), Kind.Q8_0), Kind.Q8_0, shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({name: np.ascontiguousarray(data, dtype=np.float32) for name, data in expected.items()}, FOLDER / "kinds.safetensors")


if __name__ == "__main__":
    main()
