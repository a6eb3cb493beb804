"""Faulty: a model of one event refuses all others. Repaired: it takes the raw request."""

import hashlib
import hmac
import os

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel
from serve import serve

app = FastAPI()


class Push(BaseModel):
    ref: str
    repository: dict


def verify(body, request):
    expected = "sha256=" + hmac.new(os.environ["GITHUB_WEBHOOK_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    if request.headers.get("x-hub-signature-256", "") != expected:
        raise HTTPException(401)


@app.post("/faulty")
async def faulty(push: Push, request: Request):
    verify(push.model_dump_json().encode(), request)


@app.post("/repaired")
async def repaired(request: Request):
    verify(await request.body(), request)


serve(app)
