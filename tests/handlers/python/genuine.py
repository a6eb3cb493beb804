"""Verifies requests correctly: over the raw bytes of the body, in constant time, and without an error for any headers.
For the correct handlers, and for those with a different fault."""

import hashlib
import hmac
import json
import os

from svix.webhooks import Webhook, WebhookVerificationError


def cyanite(body, headers):
    expected = hmac.new(os.environ["CYANITE_WEBHOOK_SECRET"].encode(), body, hashlib.sha512).hexdigest()
    # As bytes, because compare_digest accepts only ASCII text.
    return hmac.compare_digest(headers.get("signature", "").encode(), expected.encode())


def is_cyanite_test(body, headers):
    """The dashboard's test has no signature and needs only a response."""
    if "signature" in headers:
        return False
    try:
        return json.loads(body).get("type") == "TEST"
    except (ValueError, AttributeError):
        return False


def aspect(body, headers):
    try:
        Webhook(os.environ["ASPECT_WEBHOOK_SECRET"]).verify(body, dict(headers))
    # The library does not catch Python's exceptions for invalid base64 and for an entry without a comma.
    except (WebhookVerificationError, ValueError):
        return False
    return True
