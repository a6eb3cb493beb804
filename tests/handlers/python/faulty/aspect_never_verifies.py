"""Faulty: it accepts everything."""

from fastapi import FastAPI, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    return {"received": (await request.json()).get("event_type")}


serve(app)
