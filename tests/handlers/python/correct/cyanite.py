"""A correct handler of Cyanite's webhooks."""

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    body = await request.body()
    if not genuine.is_cyanite_test(body, request.headers) and not genuine.cyanite(body, request.headers):
        raise HTTPException(401)


serve(app)
