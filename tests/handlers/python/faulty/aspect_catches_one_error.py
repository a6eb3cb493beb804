"""Faulty: it catches only the library's own error, not the exceptions that Python raises inside the library for a header
in another format."""

import os

from fastapi import FastAPI, HTTPException, Request
from serve import serve
from svix.webhooks import Webhook, WebhookVerificationError

app = FastAPI()


@app.post("/webhook", status_code=204)
async def receive(request: Request):
    try:
        Webhook(os.environ["ASPECT_WEBHOOK_SECRET"]).verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        raise HTTPException(400)


serve(app)
