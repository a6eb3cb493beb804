"""Faulty: it rejects duplicates, so Svix sends them again and again."""

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()
dealt_with = set()


@app.post("/webhook", status_code=204)
async def receive(request: Request):
    if not genuine.aspect(await request.body(), request.headers):
        raise HTTPException(401)
    if request.headers["svix-id"] in dealt_with:
        raise HTTPException(409)
    dealt_with.add(request.headers["svix-id"])


serve(app)
