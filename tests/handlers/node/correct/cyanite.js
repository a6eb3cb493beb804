// A correct handler of Cyanite's webhooks.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json" }), (req, res) => {
  // The dashboard's test comes without a signature, and asks for nothing but a response.
  const isTest = req.get("signature") === undefined && JSON.parse(req.body).type === "TEST";
  if (!isTest && !genuine.cyanite(req)) {
    return res.sendStatus(401);
  }
  res.sendStatus(200);
});

serve(app);
