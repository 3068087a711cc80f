"""Loads a running server for two minutes with eight clients through two interfaces, OpenAI's and AUTOMATIC1111's:

    sd serve --api-key-file key.txt --port 7860
    python load.py http://127.0.0.1:7860 "$(cat key.txt)" --pid "$(pidof sd)" --seconds 120

Needs nothing but Python. Reports images per second, the latency's median and 99th percentile, what was refused, and the server's memory
at the beginning, in the middle and at the end.
"""

import argparse
import base64
import http.client
import json
import threading
import time
import urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("server")
parser.add_argument("key")
parser.add_argument("--pid", type=int, required=True)
parser.add_argument("--clients", type=int, default=8)
parser.add_argument("--seconds", type=float, default=120)
parser.add_argument("--steps", type=int, default=25)
parser.add_argument("--count", type=int, default=1, help="images of a request")
options = parser.parse_args()
address = urllib.parse.urlsplit(options.server)
begin = time.monotonic()
PROMPT = "a red house by the sea at sunset"
lock, latencies, refused, failed = threading.Lock(), {"openai": [], "sdapi": []}, [], []


def openai(seed):
    return "/v1/images/generations", {"prompt": PROMPT, "seed": seed, "steps": options.steps, "n": options.count}


def sdapi(seed):
    return "/sdapi/v1/txt2img", {"prompt": PROMPT, "seed": seed, "steps": options.steps, "batch_size": options.count}


def images(interface, answer):
    return [image["b64_json"] for image in answer["data"]] if interface == "openai" else answer["images"]


def client(number):
    interface, request = [("openai", openai), ("sdapi", sdapi)][number % 2]
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    count = 0
    while time.monotonic() - begin < options.seconds:
        path, body = request(number * 1_000_000 + count)
        count += options.count
        sent = time.monotonic()
        try:
            headers = {"Authorization": f"Bearer {options.key}", "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
        except OSError as error:
            with lock:
                failed.append(repr(error))
            connection.close()
            continue
        if response.status == 200:
            found = images(interface, json.loads(answer))
            assert len(found) == options.count and all(base64.b64decode(image).startswith(b"\x89PNG") for image in found)
            with lock:
                latencies[interface].append((sent - begin, time.monotonic() - sent))
        elif response.status == 503:
            with lock:
                refused.append(interface)
            time.sleep(float(response.headers["Retry-After"]))
        else:
            with lock:
                failed.append(f"{response.status} {answer[:200]}")


def memory():
    """Resident memory of the server in MB."""
    with open(f"/proc/{options.pid}/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS"))


def percentile(values, share):
    values = sorted(values)
    return values[min(int(len(values) * share), len(values) - 1)]


# The first image loads the model.
warm = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
path, body = openai(1)
warm.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {options.key}"})
assert warm.getresponse().read()
begin = time.monotonic()
threads = [threading.Thread(target=client, args=(number,)) for number in range(options.clients)]
for thread in threads:
    thread.start()
samples = []
while any(thread.is_alive() for thread in threads):
    samples.append((time.monotonic() - begin, memory()))
    time.sleep(1)
elapsed = time.monotonic() - begin
total = options.count * sum(map(len, latencies.values()))
print(f"{options.clients} clients, {elapsed:.1f} s, {options.steps} steps, {options.count} images a request")
print(f"{total} images, {total / elapsed:.3f} a second; refused {len(refused)}, failed {len(failed)} {failed[:3]}")
for interface, values in latencies.items():
    times = [latency for _, latency in values]
    if times:
        print(f"{interface:<7} {len(times):>5} requests   p50 {percentile(times, 0.5):.2f} s   p99 {percentile(times, 0.99):.2f} s   max {max(times):.2f} s")
first, middle, last = samples[0][1], samples[len(samples) // 2][1], samples[-1][1]
print(f"memory {first:.0f} MB at the beginning, {middle:.0f} in the middle, {last:.0f} at the end; most {max(value for _, value in samples):.0f}")
assert not failed and total > 0
