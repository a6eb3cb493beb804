// Behaves like Cyanite's integration example, https://github.com/cyanite-ai/cyanite-integration-example (src/webhook.js),
// without copying its code. It responds to a TEST before it verifies, computes the HMAC of the re-serialised body, compares
// with `===`, and responds 400 if verification fails, else 200.
"use strict";

const { createHmac } = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();

app.use(express.json());

app.post("/webhook", (req, res) => {
  if (!req.body) {
    return res.sendStatus(422);
  }
  if (req.body.type === "TEST") {
    return res.sendStatus(200);
  }
  const expected = createHmac("sha512", process.env.CYANITE_WEBHOOK_SECRET);
  expected.update(JSON.stringify(req.body));
  if (req.headers.signature !== expected.digest("hex")) {
    return res.sendStatus(400);
  }
  res.sendStatus(200);
});

serve(app);
