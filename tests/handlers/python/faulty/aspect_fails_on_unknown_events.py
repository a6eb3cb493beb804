"""Faulty: it treats an unknown event as an error."""

import json

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()
work = dict.fromkeys(["task.progress", "task.completed", "task.failed"], lambda data: None)


@app.post("/webhook")
async def receive(request: Request):
    body = await request.body()
    if not genuine.aspect(body, request.headers):
        raise HTTPException(401)
    event = json.loads(body)
    work[event["event_type"]](event["data"])


serve(app)
