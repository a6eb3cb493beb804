// Faulty: two texts of the same length may be Buffers of different lengths. Repaired: it compares the Buffers' lengths.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();
const raw = express.raw({ type: "*/*", limit: "2mb" });

const signatures = (req) => {
  const hmac = crypto.createHmac("sha256", process.env.GITHUB_WEBHOOK_SECRET).update(req.body).digest("hex");
  return [req.get("x-hub-signature-256") ?? "", `sha256=${hmac}`];
};

app.post("/faulty", raw, (req, res) => {
  const [given, own] = signatures(req);
  const isEqual = given.length === own.length && crypto.timingSafeEqual(Buffer.from(given), Buffer.from(own));
  res.sendStatus(isEqual ? 202 : 401);
});

app.post("/repaired", raw, (req, res) => {
  const [given, own] = signatures(req).map((text) => Buffer.from(text));
  res.sendStatus(given.length === own.length && crypto.timingSafeEqual(given, own) ? 202 : 401);
});

serve(app);
