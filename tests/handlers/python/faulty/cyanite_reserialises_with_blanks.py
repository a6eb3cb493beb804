"""Faulty: it verifies re-serialised JSON. It writes the spaces that are json.dumps's default, so nothing verifies."""

import json

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    event = await request.json()
    is_test = "signature" not in request.headers and event.get("type") == "TEST"
    if not is_test and not genuine.cyanite(json.dumps(event).encode(), request.headers):
        raise HTTPException(401)


serve(app)
