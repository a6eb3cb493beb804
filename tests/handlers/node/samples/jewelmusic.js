// Behaves like the sample in JewelMusic's documentation, https://jewelmusic.art/docs/webhooks, without copying its code. It
// computes the HMAC of the re-serialised body, and passes the header unchecked to timingSafeEqual, which throws unless the
// header has the right length.
"use strict";

const { createHmac, timingSafeEqual } = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();

app.use(express.json());

app.post("/webhook", (req, res) => {
  const hmac = createHmac("sha256", process.env.JEWELMUSIC_WEBHOOK_SECRET).update(JSON.stringify(req.body));
  const expected = Buffer.from(`sha256=${hmac.digest("hex")}`);
  if (!timingSafeEqual(Buffer.from(req.headers["x-jewelmusic-signature"]), expected)) {
    return res.status(401).send("Invalid signature");
  }
  res.status(200).send("OK");
});

serve(app);
