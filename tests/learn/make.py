"""Makes the captures beside it: deliveries of invented providers, signed with Python's hmac and with the package cryptography.

The secrets are those in tests/cli/providers; the public keys are written to keys/. Run it in this directory.
"""

import base64, datetime, email.utils, hashlib, hmac, json, urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

BOREALIS = "bor_c3VwZXItc2VjcmV0LWJvcmVhbGlzLWtleQ=="
CARTWHEEL = "wheel-of-carts-7781"
TRELLIS = "trellis-callback-secret"
MARINA = "APIdock7:marina-signing-secret"
DOCK = "dock-of-the-bay-1967"
PREFIXED = "dock_live_ZG9jay1vZi10aGUtYmF5LTE5Njc="

ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"lantern").digest())
P256 = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"keyed").digest(), "big"), ec.SECP256R1())
# A public pair for tests.
with open("../../src/webhook/learn/rsa-development.txt") as file:
    RSA = serialization.load_der_private_key(base64.b64decode(file.read().split()[1]), None)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def borealis(number, topic, data):
    """HMAC-SHA512 in base64 of ID:TIME:BODY, in a list with the time; the secret is base64 after a prefix."""
    identifier = f"5d1c0f5e-8d1a-4c1e-9a51-0000000000{number:02}"
    time = 1782900000 + 37 * number
    body = compact({"id": identifier, "created_at": f"2026-07-01T10:0{number}:00.250Z", "data": data})
    key = base64.b64decode(BOREALIS.removeprefix("bor_"))
    mac = hmac.new(key, f"{identifier}:{time}:{body}".encode(), hashlib.sha512).digest()
    headers = [
        ["Host", "hooks.example.net"],
        ["User-Agent", "Borealis/2.4"],
        ["Content-Type", "application/json"],
        ["X-Borealis-Delivery", identifier],
        ["X-Borealis-Topic", topic],
        ["X-Borealis-Signature", f"ts={time};sig={base64.b64encode(mac).decode()}"],
    ]
    return {"headers": headers, "body": body, "time": time}


def cartwheel(number, kind, action, data):
    """HMAC-SHA1 in hexadecimal of v2|TIME|SHA256(BODY); the time is in milliseconds, in a header of its own."""
    time = 1782900000123 + 41_000 * number
    body = json.dumps({"kind": kind, "action": action, "sent": time, **data}, indent=1)
    content = f"v2|{time}|{hashlib.sha256(body.encode()).hexdigest()}"
    mac = hmac.new(CARTWHEEL.encode(), content.encode(), hashlib.sha1).hexdigest()
    headers = [
        ["host", "shop.example.org"],
        ["content-type", "application/json; charset=utf-8"],
        ["cw-sent-at", str(time)],
        ["cw-attempt", "1"],
        ["cw-digest", f"v2={mac}"],
    ]
    return {"headers": headers, "body": body, "time": time // 1000}


def trellis(number):
    """HMAC-SHA1 in base64 of the body and the URL, which a tunnel replaced."""
    body = compact({"type": "cardAdded" if number == 1 else "cardMoved", "id": f"act_{number}90f", "board": {"id": 7}})
    mac = hmac.new(TRELLIS.encode(), (body + "https://hooks.example.com/boards?board=7").encode(), hashlib.sha1).digest()
    headers = [["Host", "localhost:3000"], ["Content-Type", "application/json"], ["X-Trellis-Webhook", base64.b64encode(mac).decode()]]
    return {"headers": headers, "body": body, "time": None}


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(header, claims, sign):
    signed = ".".join(base64url(compact(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(sign(signed.encode()))}"


def es256(data):
    r, s = decode_dss_signature(P256.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def asymmetric(number):
    """Two signatures: an ES256 JWT with a claim that hashes the body, and RSA-SHA256 of the body."""
    body = compact({"type": "made", "n": number})
    claims = {"request_body_sha256": hashlib.sha256(body.encode()).hexdigest(), "iat": 1782900000 + number}
    token = jwt({"alg": "ES256", "kid": "6c5516e1-92dc-479e-a8ff-5a51992e0001", "typ": "JWT"}, claims, es256)
    signature = RSA.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    headers = [
        ["Host", "localhost:3000"],
        ["Content-Type", "application/json"],
        ["Acme-Verification", token],
        ["Acme-Signature", base64.b64encode(signature).decode()],
    ]
    return {"headers": headers, "body": body, "time": None}


def lantern(number):
    """Ed25519 in hexadecimal of TIME and body."""
    time = 1782900000 + 11 * number
    body = compact({"event_id": f"evt_{number:08}", "kind": "lamp.lit", "at": time - 1, "lamp": {"id": 7, "watts": 40}})
    headers = [
        ["Host", "localhost:3000"],
        ["Content-Type", "application/json"],
        ["X-Lantern-Time", str(time)],
        ["X-Lantern-Signature", ED25519.sign(f"{time}{body}".encode()).hex()],
    ]
    return {"headers": headers, "body": body, "time": time}


def marina(number):
    """An HS256 JWT whose issuer is the first part of the secret, with a claim that hashes the body."""
    time = 1782900000 + 60 * number
    body = compact({"event": "boat_moored" if number % 2 else "boat_left", "id": f"EV_{number:012}", "createdAt": str(time)})
    key, secret = MARINA.split(":")
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    claims = {"iss": key, "nbf": time, "exp": time + 300, "sha256": digest}
    token = jwt({"alg": "HS256"}, claims, lambda data: hmac.new(secret.encode(), data, hashlib.sha256).digest())
    headers = [["Host", "localhost:3000"], ["Content-Type", "application/webhook+json"], ["Authorization", f"Bearer {token}"]]
    return {"headers": headers, "body": body, "time": time}


def dock(number, kind):
    """The rarer places: a signature or token in the query, in the body, over sorted form fields, and ECDSA as r and s."""
    time = 1782900000 + 60 * number
    value = {"kind": "boat.moored" if number % 2 else "boat.left", "berth": number}
    mac = lambda text, algorithm: hmac.new(DOCK.encode(), text.encode(), algorithm).hexdigest()
    token = hashlib.sha256(f"token {number}".encode()).hexdigest()[:25]
    headers, media, target = [], "application/json", "/in"
    if kind == "field":
        signature = mac(f"{time}{token}", hashlib.sha256)
        value = {"signature": {"timestamp": str(time), "token": token, "value": signature}, "data": value, "kind": value["kind"]}
    if kind == "nested":
        seal = {"algorithm": "sha256", "value": mac(f"{token}:{time}", hashlib.sha256)}
        value = {"auth": {"nonce": token, "ts": time, "seal": seal}, "data": value, "kind": value["kind"]}
    if kind == "body-token":
        value = {**value, "passcode": DOCK}
    if kind == "uppercase":
        value = {**value, "meta": {"sent": rfc3339(time)}}
    body = compact(value)
    if kind == "uppercase":
        headers = [["X-Dock-Sign", mac(f"{rfc3339(time)}|{body}", hashlib.sha512).upper()]]
    if kind == "path":
        target = f"/in?berth={number}"
        digest = hmac.new(DOCK.encode(), f"POST\n/in\n{body}".encode(), hashlib.sha256).digest()
        headers = [["Authorization", f"DOCK {base64url(digest)}"]]
    if kind == "date":
        date = email.utils.formatdate(time, usegmt=True)
        digest = hashlib.sha256(body.encode()).hexdigest()
        content = f"POST\n/in\n{date}\n{digest}"
        signature = base64.b64encode(hmac.new(DOCK.encode(), content.encode(), hashlib.sha256).digest()).decode()
        headers = [["Date", date], ["X-Dock-Sign", f"key=dock-1; sig={signature}"]]
    if kind == "key":
        headers = [["X-Dock-Sign", f"key=dock-1;ts={time};sig={mac(f'{time}.{body}', hashlib.sha256)}"]]
    if kind == "digest":
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        headers = [["X-Dock-Sign", mac(digest, hashlib.sha256)]]
    if kind == "prefix":
        key = base64.b64decode(PREFIXED.removeprefix("dock_live_"))
        signature = hmac.new(key, f"{time}|{body}".encode(), hashlib.sha384).hexdigest()
        headers = [["X-Dock-Sign", f"time={time} mac={signature}"]]
    if kind == "two":
        keyed = lambda key: base64.b64encode(hmac.new(key.encode(), f"{body}{time}".encode(), hashlib.sha256).digest()).decode()
        headers = [["X-Dock-Time", str(time)], ["X-Dock-Sign-1", keyed(DOCK)], ["X-Dock-Sign-2", keyed("the-other-dock")]]
    if kind == "comma":
        headers = [["X-Dock-Time", str(time)], ["X-Dock-Sign", mac(f"v1, {time}, {body}", hashlib.sha256)]]
    if kind == "version":
        content = f"2 {number + 4410:08} {time} {hashlib.sha256(body.encode()).hexdigest()}"
        headers = [["X-Dock-Message", f"{number + 4410:08}"], ["X-Dock-Sign", f"t={time},s={mac(content, hashlib.sha256)}"]]
    if kind == "constant":
        headers = [["X-Dock-Time", str(time)], ["X-Dock-Sign", mac(f"POST|/hooks/dock|{time}|{body}", hashlib.sha256)]]
    if kind == "query":
        target = f"/in?sig={mac(body, hashlib.sha512)}"
    if kind == "query-token":
        target = f"/in?key={DOCK}"
    if kind == "form":
        fields = {"kind": value["kind"], "berth": str(number), "at": str(time)}
        media, body = "application/x-www-form-urlencoded", urllib.parse.urlencode(fields)
        headers = [["X-Dock-Sign", mac("".join(sorted(f"{name}{text}" for name, text in fields.items())), hashlib.sha256)]]
    if kind == "jwt":
        digest = base64url(hashlib.sha256(body.encode()).digest())
        token = jwt({"alg": "HS256"}, {"iat": time, "body_hash": digest}, lambda data: hmac.new(DOCK.encode(), data, hashlib.sha256).digest())
        headers = [["X-Dock-Token", token]]
    if kind == "raw":
        headers = [["X-Dock-Sign", base64.b64encode(es256(body.encode())).decode()]]
    headers = [["Host", "localhost:3000"], ["Content-Type", media], *headers]
    return {"headers": headers, "body": body, "time": time, "target": target}


def capture(made):
    request = {"method": "POST", "target": made.get("target", "/in"), "headers": made["headers"], "body": made["body"]}
    received = {} if made["time"] is None else {"received_at": rfc3339(made["time"] + 2)}
    return compact({**received, "request": request})


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def message(made):
    head = "".join(f"{name}: {value}\r\n" for name, value in made["headers"])
    length = len(made["body"].encode())
    return f"POST /in HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n{made['body']}"


def curl(made):
    quoted = lambda text: "'" + text.replace("'", "'\\''") + "'"
    headers = "".join(f" -H {quoted(f'{name}: {value}')}" for name, value in made["headers"])
    return f"curl -X POST https://hooks.example.net/in{headers} --data-raw {quoted(made['body'])}\n"


def har(made):
    request = {
        "method": "POST",
        "url": "https://shop.example.org/in",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": name, "value": value} for name, value in made["headers"]],
        "postData": {"mimeType": "application/json", "text": made["body"]},
    }
    entry = {"startedDateTime": rfc3339(made["time"] + 1), "request": request, "response": {"status": 200}}
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "made", "version": "1"}, "entries": [entry]}}, indent=1)


def write(name, text):
    with open(name, "w", newline="") as file:
        file.write(text)


def main():
    ada = {"artist": {"name": "Ada Lovelace", "email": "ada.lovelace@analytical.engine", "phone": "+44 20 7946 0958"}}
    grace = {"artist": {"name": "Grace Hopper", "email": "grace@navy.example", "phone": None}}
    track = {"track": {"isrc": "GBAYE6800011", "title": "Notes on the Engine", "seconds": 187.25}}
    made = [
        borealis(1, "track.mastered", {**ada, **track, "loudness": -14}),
        borealis(2, "track.mastered", {**grace, **track, "loudness": -9.5}),
        borealis(3, "track.rejected", {**ada, **track, "reasons": ["clipping", "Ada asked for it"]}),
        borealis(4, "track.rejected", {**grace, **track, "reasons": []}),
        borealis(5, "artist.updated", {**ada, "url": "https://ada:engine@lovelace.example/u/ada?token=tok_5up3r"}),
        borealis(6, "artist.updated", {**grace, "url": "https://hopper.example/u/grace", "ip": "203.0.113.77"}),
    ]
    write("borealis/captures.ndjson", "".join(capture(one) + "\n" for one in made[:4]))
    write("borealis/artist.http", message(made[4]))
    write("borealis/artist.curl", curl(made[5]))

    ann = {"customer": {"first_name": "Ann", "surname": "Öztürk", "street": "Musterstraße 12", "zip": "90210", "card": 4242424242424242}}
    bob = {"customer": {"first_name": "Bob", "surname": "Ng", "street": "1 Infinite Loop", "zip": "95014", "card": 4000056655665556}}
    made = [
        cartwheel(1, "order", "placed", {"number": 10017, "total": "49.90", "currency": "EUR", **ann}),
        cartwheel(2, "order", "placed", {"number": 10018, "total": "5.00", "currency": "USD", **bob}),
        cartwheel(3, "order", "shipped", {"number": 10017, "tracking": "1Z999AA10123456784", **ann}),
        cartwheel(4, "order", "shipped", {"number": 10018, "tracking": None, **bob}),
        cartwheel(5, "refund", "issued", {"number": 10017, "amount": 4990, "contact": "ann@oeztuerk.example"}),
        cartwheel(6, "refund", "issued", {"number": 10018, "amount": 500, "lines": {"bob.ng@mail.example": 1}}),
    ]
    write("cartwheel/orders.ndjson", "".join(capture(one) + "\n" for one in made[:3]))
    write("cartwheel/shipped.http", message(made[3]))
    write("cartwheel/refund.har", har(made[4]))
    write("cartwheel/refund.json", capture(made[5]) + "\n")

    lines = lambda made: "".join(capture(one) + "\n" for one in made)
    write("trellis/trellis.ndjson", lines([trellis(number) for number in range(3)]))
    write("asymmetric/captures.ndjson", lines([asymmetric(number) for number in range(2)]))
    write("lantern/captures.ndjson", lines([lantern(number) for number in range(4)]))
    write("marina/captures.ndjson", lines([marina(number) for number in range(4)]))
    for kind in ["query", "query-token", "field", "body-token", "form", "jwt", "raw", "uppercase", "path", "two", "nested", "date", "digest", "key", "prefix", "comma", "version", "constant"]:
        write(f"dock/{kind}.ndjson", lines([dock(number, kind) for number in range(6)]))
    for name, key in [("ed25519", ED25519), ("p256", P256), ("rsa", RSA)]:
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        write(f"keys/{name}.pem", pem.decode())


main()
