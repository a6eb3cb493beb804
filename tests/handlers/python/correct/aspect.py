"""A correct handler of Aspect's webhooks, with Svix's library: a duplicate gets the same response as the first delivery."""

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()
dealt_with = set()


@app.post("/webhook", status_code=204)
async def receive(request: Request):
    if not genuine.aspect(await request.body(), request.headers):
        raise HTTPException(400)
    dealt_with.add(request.headers["svix-id"])


serve(app)
