"""A correct handler of Cyanite's webhooks."""

import json

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    body = await request.body()
    # The dashboard's test has no signature and needs only a response.
    is_test = "signature" not in request.headers and json.loads(body).get("type") == "TEST"
    if not is_test and not genuine.cyanite(body, request.headers):
        raise HTTPException(401)


serve(app)
