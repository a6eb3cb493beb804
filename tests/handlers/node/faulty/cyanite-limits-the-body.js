// Faulty: it keeps Express' limit of 100 kB.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json" }), (req, res) => {
  res.sendStatus(genuine.isCyaniteTest(req) || genuine.cyanite(req) ? 200 : 401);
});

serve(app);
