// Faulty: it redirects to the handler at another path.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", (req, res) => {
  res.redirect(302, "/webhooks/cyanite");
});

app.post("/webhooks/cyanite", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  res.sendStatus(genuine.cyanite(req) ? 200 : 401);
});

serve(app);
