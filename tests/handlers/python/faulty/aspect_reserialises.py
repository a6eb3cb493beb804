"""Faulty: it verifies re-serialised JSON instead of the bytes that were sent. It writes no spaces, like most providers, so
the fault can go unnoticed for long."""

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
