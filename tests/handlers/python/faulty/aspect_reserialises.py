"""Faulty: it verifies the JSON as it is when it was parsed and serialised again, not as it was sent. Without blanks, as
most providers write it, so that this goes unnoticed for long."""

import json

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    event = await request.json()
    body = json.dumps(event, separators=(",", ":")).encode()
    if not genuine.aspect(body, request.headers):
        raise HTTPException(401)


serve(app)
