"""Faulty: it assumes that the header is present."""

import hashlib
import hmac
import json
import os

from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    body = await request.body()
    if json.loads(body).get("type") == "TEST":
        return
    expected = hmac.new(os.environ["CYANITE_WEBHOOK_SECRET"].encode(), body, hashlib.sha512).hexdigest()
    if not hmac.compare_digest(request.headers["signature"].encode(), expected.encode()):
        raise HTTPException(401)


serve(app)
