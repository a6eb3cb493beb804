// Does what Cyanite's integration example does, https://github.com/cyanite-ai/cyanite-integration-example
// (src/webhook.js), written again: that example's own text does not stand here. It responds a TEST before it verifies, takes
// the HMAC of the body as it is when serialised again, compares with `===`, responds 400 to what does not verify, and 200.
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
