$headers = @{
    'X-GitHub-Event' = 'fork'
    'X-Hub-Signature-256' = 'sha256=9daef5c9c5602f5c690694fe2e4d11318641c3397c0d90fc464b0d7d7b68120b'
}
$body = '{"forkee":{"id":7,"name":"café"},"repository":{"id":1.0,"full_name":"acme/shop"},"sender":{"login":"kim"}}'
Invoke-RestMethod -Uri http://localhost:3000/hooks/github -Method Post -ContentType application/json -Headers $headers -Body $body
