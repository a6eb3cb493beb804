// A correct handler of Cyanite's webhooks.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  if (!genuine.isCyaniteTest(req) && !genuine.cyanite(req)) {
    return res.sendStatus(401);
  }
  res.sendStatus(200);
});

serve(app);
