"""Faulty: what it refuses gets a 200 that says so. Repaired: it gets a 401."""

import genuine
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from serve import serve

app = FastAPI()


async def is_genuine(request):
    try:
        return genuine.aspect(await request.body(), request.headers)
    except Exception:
        return False


@app.post("/faulty")
async def faulty(request: Request):
    if not await is_genuine(request):
        return {"error": "invalid signature"}
    return {"ok": True}


@app.post("/repaired")
async def repaired(request: Request):
    if not await is_genuine(request):
        return JSONResponse({"error": "invalid signature"}, 401)
    return {"ok": True}


serve(app)
