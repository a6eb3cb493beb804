// A correct handler of JewelMusic's webhooks: a duplicate gets the same response as the first delivery.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();
const dealtWith = new Set();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  if (!genuine.jewelmusic(req)) {
    return res.sendStatus(401);
  }
  dealtWith.add(JSON.parse(req.body).id);
  res.sendStatus(200);
});

serve(app);
