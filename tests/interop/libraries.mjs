// The providers' own libraries, used as their documents say. Argument: the directory with `node_modules`.
//
// Prints `{"ready":true}`, then reads one task per line and prints one result for each. A task is a request:
// `{"provider":…,"secret":…,"url":…,"method":…,"headers":{…},"body":…}`. The result is `{"accepted":true}`, or
// `{"accepted":false,"error":…}` with what the library says. With `"sign":true` it is `{"headers":{…}}`, with which the
// library signs the body.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const directory = process.argv[2];
const require = createRequire(`${directory}/`);

const { Anthropic } = require("@anthropic-ai/sdk");
const { ElevenLabsClient } = require("@elevenlabs/elevenlabs-js");
const { Signature } = require("@hubspot/api-client");
const { Mux } = require("@mux/mux-node");
const { Paddle } = require("@paddle/paddle-node-sdk");
const polar = require("@polar-sh/sdk/webhooks");
const { EventWebhook } = require("@sendgrid/eventwebhook");
require("@shopify/shopify-api/adapters/node");
const { shopifyApi } = require("@shopify/shopify-api");
const { verifySlackRequest } = require("@slack/bolt");
const { verifyKey } = require("discord-interactions");
const { AccessToken, WebhookReceiver } = require("livekit-server-sdk");
const { OpenAI } = require("openai");
const { validateWebhook } = require("replicate");
const { WebhooksHelper } = require("square");
const { Webhook: StandardWebhook } = require("standardwebhooks");
const { Webhook: SvixWebhook } = require("svix");
const Stripe = require("stripe");
const twilio = require("twilio");
const { WebflowClient } = require("webflow-api");
// ES modules, which `require` does not load.
const { LinearWebhookClient } = await import(pathToFileURL(`${directory}/node_modules/@linear/sdk/dist/webhooks/index.mjs`));
const octokit = await import(pathToFileURL(`${directory}/node_modules/@octokit/webhooks-methods/dist-node/index.js`));

const stripe = new Stripe("sk_test_unused");
const unused = { apiKey: "unused" };

const refused = (accepted) => {
  if (!accepted) throw new Error("refused");
};

const fields = (body) => Object.fromEntries(new URLSearchParams(body));

const svix = ({ secret, headers, body }) => new SvixWebhook(secret).verify(body, headers);
const standardWebhooks = ({ secret, headers, body }) => new StandardWebhook(secret).verify(body, headers);

const isJson = (headers) => headers["content-type"] === "application/json";

const verify = {
  anthropic: ({ secret, headers, body }) =>
    new Anthropic(unused).beta.webhooks.unwrap(body, { headers, key: secret }),
  clerk: svix,
  discord: async ({ secret, headers, body }) =>
    refused(await verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], secret)),
  elevenlabs: ({ secret, headers, body }) =>
    new ElevenLabsClient(unused).webhooks.constructEvent(body, headers["elevenlabs-signature"], secret),
  github: async ({ secret, headers, body }) =>
    refused(await octokit.verify(secret, body, headers["x-hub-signature-256"])),
  hubspot: ({ secret, headers, body, method, url }) =>
    refused(
      Signature.isValid({
        signatureVersion: "v3",
        signature: headers["x-hubspot-signature-v3"],
        timestamp: Number(headers["x-hubspot-request-timestamp"]),
        clientSecret: secret,
        requestBody: body,
        method,
        url,
      }),
    ),
  linear: ({ secret, headers, body }) =>
    refused(
      new LinearWebhookClient(secret).verify(
        Buffer.from(body),
        headers["linear-signature"],
        JSON.parse(body).webhookTimestamp,
      ),
    ),
  livekit: ({ secret, headers, body }) => {
    const [key, value] = secret.split(":");
    return new WebhookReceiver(key, value).receive(body, headers.authorization);
  },
  mux: ({ secret, headers, body }) =>
    new Mux({ tokenId: "unused", tokenSecret: "unused" }).webhooks.verifySignature(body, headers, secret),
  openai: ({ secret, headers, body }) => new OpenAI(unused).webhooks.unwrap(body, headers, secret),
  paddle: async ({ secret, headers, body }) =>
    refused(await new Paddle("unused").webhooks.isSignatureValid(body, secret, headers["paddle-signature"])),
  polar: ({ secret, headers, body }) => {
    try {
      polar.validateEvent(body, headers, secret);
    } catch (error) {
      // It verifies, then reads the payload, whose members it wants all.
      if (error instanceof polar.WebhookVerificationError) throw error;
    }
  },
  replicate: async ({ secret, headers, body }) =>
    refused(
      await validateWebhook({
        id: headers["webhook-id"],
        timestamp: headers["webhook-timestamp"],
        signature: headers["webhook-signature"],
        body,
        secret,
      }),
    ),
  resend: svix,
  sendgrid: ({ secret, headers, body }) => {
    const verifier = new EventWebhook();
    const key = verifier.convertPublicKeyToECDSA(secret);
    const signature = headers["x-twilio-email-event-webhook-signature"];
    refused(verifier.verifySignature(key, body, signature, headers["x-twilio-email-event-webhook-timestamp"]));
  },
  shopify: async ({ secret, headers, body }) => {
    const api = shopifyApi({
      apiKey: "unused",
      apiSecretKey: secret,
      apiVersion: "2026-10",
      hostName: "hooks.example.com",
      isEmbeddedApp: false,
      logger: { log() {} },
    });
    const rawRequest = { headers, method: "POST", url: "/" };
    refused((await api.webhooks.validate({ rawBody: body, rawRequest, rawResponse: {} })).valid);
  },
  slack: ({ secret, headers, body }) => verifySlackRequest({ signingSecret: secret, body, headers }),
  square: async ({ secret, headers, body, url }) =>
    refused(
      await WebhooksHelper.verifySignature({
        requestBody: body,
        signatureHeader: headers["x-square-hmacsha256-signature"],
        signatureKey: secret,
        notificationUrl: url,
      }),
    ),
  "standard-webhooks": standardWebhooks,
  stripe: ({ secret, headers, body }) => stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret),
  svix,
  twilio: ({ secret, headers, body, url }) =>
    refused(
      isJson(headers)
        ? twilio.validateRequestWithBody(secret, headers["x-twilio-signature"], url, body)
        : twilio.validateRequest(secret, headers["x-twilio-signature"], url, fields(body)),
    ),
  webflow: async ({ secret, headers, body }) =>
    refused(await new WebflowClient({ accessToken: "unused" }).webhooks.verifySignature({ headers, body, secret })),
};

const sign = {
  github: async ({ secret, body }) => ({ "x-hub-signature-256": await octokit.sign(secret, body) }),
  hubspot: ({ secret, body, method, url }) => {
    const timestamp = Date.now();
    const options = { method, timestamp, signatureVersion: "v3", clientSecret: secret, requestBody: body, url };
    return {
      "x-hubspot-request-timestamp": String(timestamp),
      "x-hubspot-signature-v3": Signature.getSignature(method, "v3", options),
    };
  },
  livekit: async ({ secret, body }) => {
    const token = new AccessToken(...secret.split(":"));
    token.sha256 = createHash("sha256").update(body).digest("base64");
    return { authorization: await token.toJwt() };
  },
  "standard-webhooks": ({ secret, body }) => {
    const now = new Date();
    const signature = new StandardWebhook(secret).sign("msg_library", now, body);
    return {
      "webhook-id": "msg_library",
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": signature,
    };
  },
  stripe: ({ secret, body }) => ({
    "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload: body, secret }),
  }),
  svix: ({ secret, body }) => {
    const now = new Date();
    const signature = new SvixWebhook(secret).sign("msg_library", now, body);
    return {
      "svix-id": "msg_library",
      "svix-timestamp": String(Math.floor(now.getTime() / 1000)),
      "svix-signature": signature,
    };
  },
  twilio: ({ secret, headers, body, url }) => ({
    "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, isJson(headers) ? {} : fields(body)),
  }),
};

console.log(JSON.stringify({ ready: true }));

const perform = async ({ sign: signs, ...request }) => {
  try {
    if (signs) return { headers: await sign[request.provider](request) };
    await verify[request.provider](request);
    return { accepted: true };
  } catch (error) {
    return { accepted: false, error: String(error?.message ?? error) };
  }
};

// Not `readline`, for which U+2028 ends a line.
let pending = "";
for await (const chunk of process.stdin.setEncoding("utf8")) {
  const lines = (pending + chunk).split("\n");
  pending = lines.pop();
  for (const line of lines) console.log(JSON.stringify(await perform(JSON.parse(line))));
}
