"""The providers' own Python libraries, used as their documents say.

Prints `{"ready": true}`, then reads one task per line and prints one result for each. Tasks and results are those of
`libraries.mjs`.
"""

import json
import sys
import time
from datetime import datetime, timezone
from urllib.parse import parse_qs

import stripe
from slack_sdk.signature import SignatureVerifier
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook
from twilio.request_validator import RequestValidator


class Fields(dict):
    """The fields of a form, each with all its values, as web frameworks hand them to Twilio's library."""

    def getlist(self, name):
        return self[name]


def fields(body):
    return Fields(parse_qs(body, keep_blank_values=True))


def params(task):
    """What Twilio's library calls the parameters: the fields of a form, or the text of a JSON body."""
    return task["body"] if task["headers"]["content-type"] == "application/json" else fields(task["body"])


def refused(accepted):
    if not accepted:
        raise ValueError("refused")


def in_seconds(now):
    return str(int(now.timestamp()))


VERIFY = {
    "slack": lambda task: refused(SignatureVerifier(task["secret"]).is_valid_request(task["body"], task["headers"])),
    "standard-webhooks": lambda task: StandardWebhook(task["secret"]).verify(task["body"], task["headers"]),
    "stripe": lambda task: stripe.Webhook.construct_event(
        task["body"], task["headers"]["stripe-signature"], task["secret"]
    ),
    "svix": lambda task: SvixWebhook(task["secret"]).verify(task["body"], task["headers"]),
    "twilio": lambda task: refused(
        RequestValidator(task["secret"]).validate(
            task["url"], params(task), task["headers"]["x-twilio-signature"]
        )
    ),
}


def sign_slack(task):
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(task["secret"]).generate_signature(timestamp=timestamp, body=task["body"])
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}


def sign_standard(webhook, prefix, task):
    now = datetime.now(timezone.utc)
    signature = webhook(task["secret"]).sign("msg_library", now, task["body"])
    return {f"{prefix}-id": "msg_library", f"{prefix}-timestamp": in_seconds(now), f"{prefix}-signature": signature}


SIGN = {
    "slack": sign_slack,
    "standard-webhooks": lambda task: sign_standard(StandardWebhook, "webhook", task),
    "stripe": lambda task: {
        "stripe-signature": stripe.WebhookSignature.generate_signature_header(task["body"], task["secret"])
    },
    "svix": lambda task: sign_standard(SvixWebhook, "svix", task),
    "twilio": lambda task: {
        "x-twilio-signature": RequestValidator(task["secret"]).compute_signature(
            task["url"], {} if isinstance(params(task), str) else params(task)
        )
    },
}


def perform(task):
    try:
        if task.get("sign"):
            return {"headers": SIGN[task["provider"]](task)}
        VERIFY[task["provider"]](task)
        return {"accepted": True}
    except Exception as error:  # Each library has its own.
        return {"accepted": False, "error": str(error)}


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    print(json.dumps(perform(json.loads(line))), flush=True)
