// Faulty: it parses only urlencoded forms.
"use strict";

const express = require("express");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.urlencoded({ extended: false, limit: "2mb" }), (req, res) => {
  const { uuid, status } = req.body ?? {};
  res.sendStatus(uuid && status ? 200 : 400);
});

serve(app);
