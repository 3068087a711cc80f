"""Draws with OpenAI's client for Python (`pip install openai==3.51.0`) on a running server:

    sd serve --api-key-file key.txt --port 7860
    python openai_client.py http://127.0.0.1:7860 "$(cat key.txt)"

Says what it saw, a line for each call, and fails if a type or a pixel is not what it should be.
"""

import base64
import struct
import sys
import urllib.request
import warnings
import zlib

import openai

warnings.simplefilter("ignore", DeprecationWarning)
server, key = sys.argv[1], sys.argv[2]
SIZE = 64


def png(channels, pixel):
    """A PNG file of SIZE² pixels; `pixel(x, y)` are the bytes of one."""
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(SIZE)) for y in range(SIZE))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pixels(file):
    """The rows of a PNG file of 8-bit RGB."""
    at, data, width = 8, b"", 0
    while at < len(file):
        length, kind = struct.unpack(">I4s", file[at : at + 8])
        body = file[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width = struct.unpack(">I", body[:4])[0]
        if kind == b"IDAT":
            data += body
        at += length + 12
    raw, stride, rows = zlib.decompress(data), width * 3, []
    for start in range(0, len(raw), stride + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        above = rows[-1] if rows else bytes(stride)
        for i in range(stride):
            left, up, corner = (row[i - 3], above[i], above[i - 3]) if i >= 3 else (0, above[i], 0)
            nearest = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
            row[i] = (row[i] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        rows.append(bytes(row))
    return rows


def saw(name, **facts):
    print(f"{name:<28}", "  ".join(f"{fact} {value}" for fact, value in facts.items()), flush=True)


def refused(call, error, **fields):
    try:
        call()
    except error as caught:
        body = caught.body or {}
        for field, value in fields.items():
            assert body.get(field) == value, (field, body)
        saw(f"{error.__name__} {caught.status_code}", message=body.get("message"))
    else:
        raise AssertionError(f"{error.__name__} was expected")


client = openai.OpenAI(base_url=f"{server}/v1", api_key=key, max_retries=0)

models = client.models.list().data
assert models and all(model.object == "model" for model in models)
name = models[0].id
assert client.models.retrieve(name).id == name
saw("models", names=",".join(model.id for model in models))

drawn = client.images.generate(
    prompt="a red house by the sea at sunset", n=2, quality="low", response_format="b64_json", extra_body={"seed": 5, "steps": 8}
)
files = [base64.b64decode(image.b64_json) for image in drawn.data]
assert len(files) == 2 and all(file.startswith(b"\x89PNG") for file in files) and files[0] != files[1]
assert b"parameters" in files[0] and drawn.data[1].seed == 6 and drawn.usage.output_tokens == 0
assert drawn.usage.input_tokens == drawn.usage.input_tokens_details.text_tokens > 5
saw("generate", images=2, size=drawn.size, input_tokens=drawn.usage.input_tokens, seeds=[image.seed for image in drawn.data])

again = client.images.generate(prompt="a red house by the sea at sunset", extra_body={"seed": 6, "steps": 8})
assert pixels(base64.b64decode(again.data[0].b64_json)) == pixels(files[1])
saw("generate, the seed again", pixels="equal")

for output_format, start in [("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF")]:
    other = client.images.generate(
        prompt="a house", model="dall-e-3", size=f"{SIZE}x{SIZE}", output_format=output_format, output_compression=80, extra_body={"steps": 4}
    )
    file = base64.b64decode(other.data[0].b64_json)
    assert file.startswith(start) and other.output_format == output_format and other.size == f"{SIZE}x{SIZE}"
    saw(f"generate {output_format}", bytes=len(file))

linked = client.images.generate(prompt="a house", response_format="url", extra_body={"steps": 4}).data[0].url
request = urllib.request.Request(linked, headers={"Authorization": f"Bearer {key}"})
with urllib.request.urlopen(request) as response:
    assert response.read().startswith(b"\x89PNG")
try:
    urllib.request.urlopen(linked)
    raise AssertionError("a link opened without the key")
except urllib.error.HTTPError as error:
    assert error.code == 401
saw("generate url", with_key=200, without_key=401)

events = list(
    client.images.generate(prompt="a house", n=2, stream=True, partial_images=3, extra_body={"steps": 60, "seed": 1})
)
for event in events:
    assert base64.b64decode(event.b64_json).startswith(b"\x89PNG") and event.background == "opaque" and event.created_at > 0
    assert event.type in ("image_generation.partial_image", "image_generation.completed")
completed = [event for event in events if event.type == "image_generation.completed"]
partial = [event.partial_image_index for event in events if event.type == "image_generation.partial_image"]
assert len(completed) == 2 and events[-1] is completed[1] and all(event.usage.total_tokens > 0 for event in completed)
saw("generate stream", completed=2, partial=partial)

house = files[0]
mask = png(4, lambda x, y: (0, 0, 0, 0 if 16 <= x < 48 and 16 <= y < 48 else 255))
edited = client.images.edit(
    image=("house.png", house), mask=("mask.png", mask), prompt="a sailing boat on the sea", extra_body={"seed": 3, "steps": 8}
)
old, new = pixels(house), pixels(base64.b64decode(edited.data[0].b64_json))
inside, outside = 0, 0
for y in range(SIZE):
    for x in range(SIZE):
        differs = old[y][3 * x : 3 * x + 3] != new[y][3 * x : 3 * x + 3]
        if 16 <= x < 48 and 16 <= y < 48:
            inside += differs
        else:
            outside += differs
assert outside == 0 and inside > 500, (inside, outside)
saw("edit with a mask", changed_inside=f"{inside}/1024", changed_outside=outside)

whole = client.images.edit(image=[house], prompt="a house at night", input_fidelity="high", extra_body={"steps": 8})
assert whole.size == f"{SIZE}x{SIZE}"
saw("edit image[]", size=whole.size)

kinds = [event.type for event in client.images.edit(image=house, prompt="a house at night", stream=True, partial_images=1)]
assert kinds[-1] == "image_edit.completed" and set(kinds[:-1]) <= {"image_edit.partial_image"}
saw("edit stream", events=kinds)

variations = client.images.create_variation(image=("house.png", house), n=2, size=f"{SIZE}x{SIZE}")
assert len(variations.data) == 2 and variations.data[0].b64_json != variations.data[1].b64_json
saw("create_variation", images=2)

generate = client.images.generate
refused(lambda: generate(prompt="a house", model="no-such-model"), openai.NotFoundError, code="model_not_found", param="model")
refused(lambda: client.models.retrieve("no-such-model"), openai.NotFoundError, code="model_not_found")
refused(lambda: generate(prompt="a house", size="63x63"), openai.BadRequestError, type="invalid_request_error", param="size")
refused(lambda: generate(prompt="a house", n=0), openai.BadRequestError, param="n")
refused(lambda: generate(prompt="a house", extra_body={"sampler": "best"}), openai.BadRequestError, param="sampler")
refused(lambda: client.images.edit(image=b"no image", prompt="a house"), openai.BadRequestError, param="image")
refused(
    lambda: client.images.edit(image=house, mask=png(3, lambda x, y: (0, 0, 0)), prompt="a house"), openai.BadRequestError, param="mask"
)
stranger = openai.OpenAI(base_url=f"{server}/v1", api_key="wrong", max_retries=0)
refused(lambda: stranger.models.list(), openai.AuthenticationError, code="invalid_api_key")
refused(lambda: stranger.images.generate(prompt="a house"), openai.AuthenticationError)
print("all is well with openai", openai.__version__)
