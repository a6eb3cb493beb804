// Faulty: it verifies by itself, with the timestamp in the signed content, but does not check how old that is.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();
const key = Buffer.from(process.env.ASPECT_WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

const isGenuine = (req) => {
  const hmac = crypto.createHmac("sha256", key);
  const expected = hmac.update(`${req.get("svix-id")}.${req.get("svix-timestamp")}.`).update(req.body).digest();
  return (req.get("svix-signature") ?? "").split(" ").some((entry) => {
    const [version, signature] = entry.split(",");
    const given = Buffer.from(signature ?? "", "base64");
    return version === "v1" && given.length === expected.length && crypto.timingSafeEqual(given, expected);
  });
};

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  res.sendStatus(isGenuine(req) ? 200 : 401);
});

serve(app);
