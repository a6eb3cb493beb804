// Faulty: it responds 204, but Cyanite counts only 200.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  if (!genuine.isCyaniteTest(req) && !genuine.cyanite(req)) {
    return res.sendStatus(401);
  }
  res.sendStatus(204);
});

serve(app);
