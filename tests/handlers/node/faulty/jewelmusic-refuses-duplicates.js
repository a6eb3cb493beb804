// Faulty: it rejects duplicates, so the provider sends them again and again.
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
  const { id } = JSON.parse(req.body);
  if (dealtWith.has(id)) {
    return res.sendStatus(409);
  }
  dealtWith.add(id);
  res.sendStatus(200);
});

serve(app);
