"""Written after what is known of the Python sample in Aspect's documents, https://docs.aspect.inc/advanced/webhooks; its
published text was not at hand. It strips the secret's prefix and gives Svix's library the body as it came. The framework
and the status of a refusal are ours."""

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
