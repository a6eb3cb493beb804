"""Faulty: every route needs a bearer token. Repaired: this one is exempt, and verifies the signature."""

import hashlib
import hmac
import os

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBearer
from serve import serve

app = FastAPI()


async def receive(request: Request):
    key = os.environ["GITHUB_WEBHOOK_SECRET"].encode()
    expected = "sha256=" + hmac.new(key, await request.body(), hashlib.sha256).hexdigest()
    if request.headers.get("x-hub-signature-256", "") != expected:
        raise HTTPException(401)


app.post("/faulty", dependencies=[Depends(HTTPBearer())])(receive)
app.post("/repaired")(receive)

serve(app)
