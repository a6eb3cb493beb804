"""Faulty: it reads the body as Latin-1, a header that may be missing, and a timestamp that may be none, and looks only for
old ones. Repaired: as the hints say."""

import hashlib
import hmac
import json
import os
import time

from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


def signature(content):
    return "v0=" + hmac.new(os.environ["SLACK_SIGNING_SECRET"].encode(), content, hashlib.sha256).hexdigest()


def respond(payload):
    return {"challenge": payload["challenge"]} if payload["type"] == "url_verification" else {}


@app.post("/faulty")
async def faulty(request: Request):
    body = (await request.body()).decode("latin-1")
    timestamp = request.headers["x-slack-request-timestamp"]
    if time.time() - int(timestamp) > 300:
        raise HTTPException(401)
    if not hmac.compare_digest(signature(f"v0:{timestamp}:{body}".encode()), request.headers["x-slack-signature"]):
        raise HTTPException(401)
    return respond(json.loads(body))


@app.post("/repaired")
async def repaired(request: Request):
    body = await request.body()
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    given = request.headers.get("x-slack-signature", "")
    try:
        is_fresh = abs(time.time() - int(timestamp)) <= 300
    except (ValueError, OverflowError):
        is_fresh = False
    expected = signature(f"v0:{timestamp}:".encode("latin-1") + body)
    if not is_fresh or not hmac.compare_digest(expected.encode(), given.encode()):
        raise HTTPException(401)
    return respond(json.loads(body))


serve(app)
