// Faulty: a Buffer never equals a text. Repaired: it compares text with text.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();
const raw = express.raw({ type: "*/*", limit: "2mb" });
const hmac = (req) => crypto.createHmac("sha256", process.env.GITHUB_WEBHOOK_SECRET).update(req.body);

app.post("/faulty", raw, (req, res) => {
  const given = (req.get("x-hub-signature-256") ?? "").replace("sha256=", "");
  res.sendStatus(given === hmac(req).digest() ? 202 : 401);
});

app.post("/repaired", raw, (req, res) => {
  const given = (req.get("x-hub-signature-256") ?? "").replace("sha256=", "");
  res.sendStatus(given === hmac(req).digest("hex") ? 202 : 401);
});

serve(app);
