// Written after descriptions of the Node sample in Aspect's documentation, https://docs.aspect.inc/advanced/webhooks,
// whose text was not available. It strips the secret's prefix, and passes the re-serialised body to Svix's library. The
// status of a rejection is ours.
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
