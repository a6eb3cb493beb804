// Faulty: Shopify encodes the signature as base64. Repaired: so does it.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();
const raw = express.raw({ type: "*/*", limit: "2mb" });

const receive = (encoding) => (req, res) => {
  const hmac = crypto.createHmac("sha256", process.env.SHOPIFY_WEBHOOK_SECRET).update(req.body).digest(encoding);
  res.sendStatus(req.get("x-shopify-hmac-sha256") === hmac ? 200 : 401);
};

app.post("/faulty", raw, receive("hex"));
app.post("/repaired", raw, receive("base64"));

serve(app);
