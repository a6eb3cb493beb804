// Faulty: a JSON parser for the whole app takes the body before express.raw().
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.use(express.json({ limit: "2mb" }));
app.post("/webhook", express.raw({ type: "application/json" }), (req, res) => {
  res.sendStatus(genuine.cyanite(req) ? 200 : 401);
});

serve(app);
