"""Faulty: it reads the timestamp before it verifies, and expects a number."""

import time

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    if abs(time.time() - int(request.headers["svix-timestamp"])) > 300:
        raise HTTPException(400)
    if not genuine.aspect(await request.body(), request.headers):
        raise HTTPException(401)


serve(app)
