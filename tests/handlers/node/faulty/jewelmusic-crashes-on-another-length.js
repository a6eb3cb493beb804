// Faulty: timingSafeEqual throws if its arguments differ in length, and nothing catches that.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  const hmac = crypto.createHmac("sha256", process.env.JEWELMUSIC_WEBHOOK_SECRET).update(req.body).digest("hex");
  const given = req.get("x-jewelmusic-signature") ?? "";
  const isGenuine = crypto.timingSafeEqual(Buffer.from(given), Buffer.from(`sha256=${hmac}`));
  res.sendStatus(isGenuine ? 200 : 401);
});

serve(app);
