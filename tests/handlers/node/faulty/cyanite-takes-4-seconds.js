// Faulty: it works for 4 s before it responds; Cyanite waits for 3 s.
"use strict";

const { setTimeout } = require("node:timers/promises");
const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), async (req, res) => {
  if (!genuine.isCyaniteTest(req) && !genuine.cyanite(req)) {
    return res.sendStatus(401);
  }
  await setTimeout(4000);
  res.sendStatus(200);
});

serve(app);
