"""Whether a request is genuine, told as it should be: over the raw bytes of the body, in constant time, and without an
error whatever the headers are. For the correct handlers, and for those whose fault lies elsewhere."""

import hashlib
import hmac
import os

from svix.webhooks import Webhook, WebhookVerificationError


def cyanite(body, headers):
    expected = hmac.new(os.environ["CYANITE_WEBHOOK_SECRET"].encode(), body, hashlib.sha512).hexdigest()
    # As bytes, for compare_digest takes no text outside of ASCII.
    return hmac.compare_digest(headers.get("signature", "").encode(), expected.encode())


def aspect(body, headers):
    try:
        Webhook(os.environ["ASPECT_WEBHOOK_SECRET"]).verify(body, dict(headers))
    # The library lets through what Python says of base64 that is none and of an entry without a comma.
    except (WebhookVerificationError, ValueError):
        return False
    return True
