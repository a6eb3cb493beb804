// A correct handler of Cyanite's webhooks.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json" }), (req, res) => {
  // The dashboard's test has no signature and needs only a response.
  const isTest = req.get("signature") === undefined && JSON.parse(req.body).type === "TEST";
  if (!isTest && !genuine.cyanite(req)) {
    return res.sendStatus(401);
  }
  res.sendStatus(200);
});

serve(app);
