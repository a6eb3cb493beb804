// Written after what is known of the Node sample in Aspect's documents, https://docs.aspect.inc/advanced/webhooks; its
// published text was not at hand. It strips the secret's prefix, and gives Svix's library the body as it is when
// serialised again. The status of a refusal is ours.
"use strict";

const express = require("express");
const { Webhook } = require("svix");
const { serve } = require("../serve");

const app = express();

app.use(express.json());

app.post("/webhook", (req, res) => {
  const webhook = new Webhook(process.env.ASPECT_WEBHOOK_SECRET.replace("whsec_", ""));
  try {
    webhook.verify(JSON.stringify(req.body), req.headers);
  } catch {
    return res.sendStatus(400);
  }
  res.sendStatus(200);
});

serve(app);
