// Faulty: it checks only the first signature, so the secret can't be rotated.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  req.headers["svix-signature"] = (req.get("svix-signature") ?? "").split(" ")[0];
  res.sendStatus(genuine.aspect(req) ? 200 : 401);
});

serve(app);
