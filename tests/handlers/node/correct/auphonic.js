// A correct handler of Auphonic's webhooks, which are urlencoded or multipart/form-data.
"use strict";

const express = require("express");
const multer = require("multer");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.urlencoded({ extended: false, limit: "2mb" }), multer().none(), (req, res) => {
  const { uuid, status } = req.body ?? {};
  res.sendStatus(uuid && status ? 200 : 400);
});

serve(app);
