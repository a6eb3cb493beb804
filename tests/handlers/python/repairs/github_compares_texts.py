"""Faulty: hmac.compare_digest takes no text that is not ASCII. Repaired: it compares bytes."""

import hashlib
import hmac
import os

from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


async def signatures(request: Request):
    key = os.environ["GITHUB_WEBHOOK_SECRET"].encode()
    own = "sha256=" + hmac.new(key, await request.body(), hashlib.sha256).hexdigest()
    return request.headers.get("x-hub-signature-256", ""), own


@app.post("/faulty")
async def compare_texts(request: Request):
    given, own = await signatures(request)
    if not hmac.compare_digest(given, own):
        raise HTTPException(401)


@app.post("/repaired")
async def compare_bytes(request: Request):
    given, own = await signatures(request)
    if not hmac.compare_digest(given.encode(), own.encode()):
        raise HTTPException(401)


serve(app)
