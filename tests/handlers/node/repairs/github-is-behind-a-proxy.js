// Faulty: a proxy in front of the handler removes the signature. Repaired: it passes on every header.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();

const receive = (req, res) => {
  const hmac = crypto.createHmac("sha256", process.env.GITHUB_WEBHOOK_SECRET).update(req.body).digest("hex");
  res.sendStatus(req.get("x-hub-signature-256") === `sha256=${hmac}` ? 202 : 401);
};

app.use((req, res, next) => {
  res.set("server", "nginx/1.22.1");
  next();
});
app.use("/faulty", (req, res, next) => {
  delete req.headers["x-hub-signature-256"];
  next();
});
app.post(["/faulty", "/repaired"], express.raw({ type: "*/*", limit: "2mb" }), receive);

serve(app);
