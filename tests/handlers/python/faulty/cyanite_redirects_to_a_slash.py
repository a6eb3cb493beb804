"""Faulty: the route ends with a slash and the URL does not, so FastAPI redirects."""

import genuine
from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/webhook/")
async def receive(request: Request):
    if not genuine.cyanite(await request.body(), request.headers):
        raise HTTPException(401)


serve(app)
