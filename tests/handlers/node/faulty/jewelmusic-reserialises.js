// Faulty: it verifies the JSON after parsing and re-serialising it, not the bytes that were sent.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.json({ limit: "2mb" }), (req, res) => {
  req.body = JSON.stringify(req.body);
  res.sendStatus(genuine.jewelmusic(req) ? 200 : 401);
});

serve(app);
