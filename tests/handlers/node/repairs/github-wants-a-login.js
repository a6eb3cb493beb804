// Faulty: every route is behind a login. Repaired: this one is exempt, and verifies the signature.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();

const receive = (req, res) => {
  const hmac = crypto.createHmac("sha256", process.env.GITHUB_WEBHOOK_SECRET).update(req.body).digest("hex");
  res.sendStatus(req.get("x-hub-signature-256") === `sha256=${hmac}` ? 202 : 401);
};

app.post("/repaired", express.raw({ type: "*/*", limit: "2mb" }), receive);
app.use((req, res, next) => {
  if (!req.get("authorization")) {
    return res.status(401).json({ error: "Authentication required" });
  }
  next();
});
app.post("/faulty", express.raw({ type: "*/*", limit: "2mb" }), receive);

serve(app);
