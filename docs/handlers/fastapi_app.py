import hashlib
import hmac
import json
import os

from fastapi import FastAPI, HTTPException, Request

SECRET = os.environ.get("GITHUB_WEBHOOK_SECRET", "").encode()
if not SECRET:
    raise RuntimeError("GITHUB_WEBHOOK_SECRET is not set")

app = FastAPI()


def is_genuine(body: bytes, signature: str) -> bool:
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    # As bytes, because compare_digest raises an exception for text beyond ASCII.
    return hmac.compare_digest(signature.encode(), expected.encode())


@app.post("/webhooks/github", status_code=202)
async def github(request: Request):
    body = await request.body()  # not a model or a dict: those are parsed
    if not is_genuine(body, request.headers.get("x-hub-signature-256", "")):
        raise HTTPException(401, "wrong signature")
    event = json.loads(body)
    # Queue the work under the id in x-github-delivery, and do nothing if that id is known.
