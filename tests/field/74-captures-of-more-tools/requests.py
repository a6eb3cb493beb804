import requests

url = "https://hooks.acme.test/hooks/github"
payload = '{"forkee":{"id":7,"name":"café"},"repository":{"id":1.0,"full_name":"acme/shop"},"sender":{"login":"kim"}}'
headers = {
    "content-type": "application/json",
    "x-github-event": "fork",
    "x-hub-signature-256": "sha256=9daef5c9c5602f5c690694fe2e4d11318641c3397c0d90fc464b0d7d7b68120b"
}

response = requests.request("POST", url, data=payload, headers=headers)
