"""Faulty: it verifies the text of a dictionary, in Python's own form. Repaired: it verifies the body's bytes."""

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/faulty")
async def faulty(request: Request):
    try:
        payload = await request.json()
    except ValueError:
        raise HTTPException(400)
    if not genuine.aspect(str(payload), request.headers):
        raise HTTPException(401)


@app.post("/repaired")
async def repaired(request: Request):
    try:
        is_genuine = genuine.aspect(await request.body(), request.headers)
    except Exception:
        is_genuine = False
    if not is_genuine:
        raise HTTPException(401)


serve(app)
