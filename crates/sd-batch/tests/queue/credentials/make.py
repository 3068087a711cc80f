"""An operator of NATS with an account and a user: the server's configuration, and credentials of the user and of a stranger.

Reference: cryptography 48.0.0
Writes: server.conf, user.creds, stranger.creds
Test: crates/sd-batch/tests/queue/security.rs
"""

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = Path(__file__).parent
PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
SEED = 18 << 3


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def text(data):
    return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode().rstrip("=")


class Key:
    def __init__(self, kind):
        self.kind, self.raw = kind, os.urandom(32)
        self.key = Ed25519PrivateKey.from_private_bytes(self.raw)
        self.public = text(bytes([PREFIXES[kind]]) + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def seed(self):
        prefix = PREFIXES[self.kind]
        return text(bytes([SEED | prefix >> 5, (prefix & 31) << 3]) + self.raw)

    def sign(self, subject, nats):
        claims = {"iat": 1_700_000_000, "iss": self.public, "name": subject.kind, "sub": subject.public}
        claims["nats"] = nats | {"type": subject.kind, "version": 2}
        claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode().rstrip("=")
        part = lambda value: base64.urlsafe_b64encode(value).decode().rstrip("=")
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = ".".join(part(json.dumps(value).encode()) for value in (head, claims))
        return f"{body}.{part(self.key.sign(body.encode()))}"


def make():
    operator, account, user = (Key(kind) for kind in PREFIXES)
    system = Key("account")
    limits = dict.fromkeys(["subs", "data", "payload", "imports", "exports", "conn", "leaf"], -1) | {"wildcards": True}
    stored = dict.fromkeys(["mem_storage", "disk_storage", "streams", "consumer"], -1)
    account_jwt = operator.sign(account, {"limits": limits | stored})
    system_jwt = operator.sign(system, {"limits": limits})
    user_jwt = account.sign(user, {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1})
    accounts = "".join(f'  {key.public}: "{jwt}"\n' for key, jwt in [(account, account_jwt), (system, system_jwt)])
    server = f'operator: "{operator.sign(operator, {})}"\nsystem_account: {system.public}\nresolver: MEMORY\nresolver_preload {{\n{accounts}}}\n'
    credentials = (
        f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed()}\n------END USER NKEY SEED------\n"
    )
    return server, credentials


server, credentials = make()
(FOLDER / "server.conf").write_text(server)
(FOLDER / "user.creds").write_text(credentials)
(FOLDER / "stranger.creds").write_text(make()[1])
