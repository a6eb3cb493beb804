// Faulty: a timestamp that is not a number, or in the future, is never too old. Repaired: it looks in both directions.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();
const raw = express.raw({ type: "*/*", limit: "2mb" });

const verifies = (req) => {
  const [id, timestamp] = [req.get("svix-id"), req.get("svix-timestamp")];
  const key = Buffer.from(process.env.ASPECT_WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const hmac = crypto.createHmac("sha256", key).update(`${id}.${timestamp}.${req.body}`).digest("base64");
  const entries = (req.get("svix-signature") ?? "").split(" ");
  return id !== undefined && timestamp !== undefined && entries.includes(`v1,${hmac}`);
};

app.post("/faulty", raw, (req, res) => {
  const isOld = Date.now() / 1000 - Number(req.get("svix-timestamp")) > 300;
  res.sendStatus(verifies(req) && !isOld ? 200 : 401);
});

app.post("/repaired", raw, (req, res) => {
  const timestamp = Number(req.get("svix-timestamp"));
  const isFresh = Number.isInteger(timestamp) && Math.abs(Date.now() / 1000 - timestamp) <= 300;
  res.sendStatus(verifies(req) && isFresh ? 200 : 401);
});

serve(app);
