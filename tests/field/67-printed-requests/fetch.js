await fetch("http://localhost:3000/webhooks/github", {
  "method": "POST",
  "headers": {
    "content-type": "application/json",
    "x-github-event": "fork",
    "x-hub-signature-256": "sha256=06026eaad5387bb96c5b52473f6f03872a2d2ad7cc315dc796589942e89f54f6"
  },
  "body": "{\"ref\":\"refs/heads/main\",\"zen\":\"Größe zählt\",\"repository\":{\"full_name\":\"acme/shop\"},\"pusher\":{\"name\":\"kim\"}}"
});
