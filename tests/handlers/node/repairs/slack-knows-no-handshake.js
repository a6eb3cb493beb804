// Faulty: it reads a member that the handshake lacks, and ignores the timestamp. Repaired: as the hints say.
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const { serve } = require("../serve");

const app = express();

const keepRaw = (req, res, body) => {
  req.rawBody = body;
};
app.use(express.json({ limit: "2mb", verify: keepRaw }));

const verifies = (req) => {
  const content = `v0:${req.get("x-slack-request-timestamp")}:${req.rawBody}`;
  const hmac = crypto.createHmac("sha256", process.env.SLACK_SIGNING_SECRET).update(content).digest("hex");
  return req.get("x-slack-signature") === `v0=${hmac}`;
};

app.post("/faulty", (req, res) => {
  if (!verifies(req)) {
    return res.sendStatus(403);
  }
  res.status(200).send(req.body.event.type);
});

app.post("/repaired", (req, res) => {
  const off = Math.abs(Date.now() / 1000 - Number(req.get("x-slack-request-timestamp")));
  if (!verifies(req) || Number.isNaN(off) || off > 300) {
    return res.sendStatus(401);
  }
  if (req.body.type === "url_verification") {
    return res.status(200).type("text").send(req.body.challenge);
  }
  res.status(200).send(req.body.event.type);
});

serve(app);
