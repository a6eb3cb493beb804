// A correct handler of Aspect's webhooks, with Svix's library: a duplicate gets the same response as the first delivery.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();
const dealtWith = new Set();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  if (!genuine.aspect(req)) {
    return res.sendStatus(400);
  }
  dealtWith.add(req.get("svix-id"));
  res.sendStatus(204);
});

serve(app);
