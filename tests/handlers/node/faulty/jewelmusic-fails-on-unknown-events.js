// Faulty: it treats an unknown event as an error.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();
const known = {
  track: ["uploaded", "processed", "transcribed", "analyzed"],
  release: ["created", "submitted", "live", "rejected"],
  royalty: ["reported", "payment.pending", "payment.completed", "threshold.reached"],
  fraud: ["suspicious_activity", "bot_detection", "action_required", "resolved"],
};

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  if (!genuine.jewelmusic(req)) {
    return res.sendStatus(401);
  }
  const [, group, name] = JSON.parse(req.body).type.match(/^(\w+)\.(.*)$/);
  if (!known[group].includes(name)) {
    throw new Error(`${group} has no ${name}`);
  }
  res.sendStatus(200);
});

serve(app);
