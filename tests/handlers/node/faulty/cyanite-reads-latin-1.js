// Faulty: it decodes the body as Latin-1 before it verifies, so that only ASCII verifies.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  const isTest = genuine.isCyaniteTest(req);
  req.body = req.body.toString("latin1");
  res.sendStatus(isTest || genuine.cyanite(req) ? 200 : 401);
});

serve(app);
