"""Faulty: it accepts only one content type."""

from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    form = await request.form()
    if "uuid" not in form or "status" not in form:
        raise HTTPException(400)


serve(app)
