"""Faulty: it catches the error that the library names, and not what Python says inside the library of a header in another
form."""

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
