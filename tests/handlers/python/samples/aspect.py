"""Written after descriptions of the Python sample in Aspect's documentation, https://docs.aspect.inc/advanced/webhooks,
whose text was not available. It strips the secret's prefix and passes the raw body to Svix's library. The framework and
the status of a rejection are ours."""

import os

from fastapi import FastAPI, HTTPException, Request
from serve import serve
from svix.webhooks import Webhook, WebhookVerificationError

app = FastAPI()


@app.post("/webhook")
async def receive(request: Request):
    webhook = Webhook(os.environ["ASPECT_WEBHOOK_SECRET"].removeprefix("whsec_"))
    try:
        webhook.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        raise HTTPException(400)


serve(app)
