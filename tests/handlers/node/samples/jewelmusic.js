// Does what the sample in JewelMusic's documents does, https://jewelmusic.art/docs/webhooks, written again: that sample's
// own text does not stand here. It takes the HMAC of the body as it is when serialised again, and gives whatever the
// header is to timingSafeEqual, which throws unless it is a text as long as the right one.
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
