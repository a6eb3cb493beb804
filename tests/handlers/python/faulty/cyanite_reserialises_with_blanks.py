"""Faulty: it verifies the JSON as it is when it was parsed and serialised again. With the blanks that json.dumps writes
unless it is told not to, so that nothing verifies."""

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
