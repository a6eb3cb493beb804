$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
$session.UserAgent = "GitHub-Hookshot/044aadd"
Invoke-WebRequest -UseBasicParsing -Uri "https://hooks.acme.test/hooks/github" `
-Method "POST" `
-WebSession $session `
-Headers @{
"X-GitHub-Event"="fork"
  "X-Hub-Signature-256"="sha256=9daef5c9c5602f5c690694fe2e4d11318641c3397c0d90fc464b0d7d7b68120b"
} `
-ContentType "application/json" `
-Body ([System.Text.Encoding]::UTF8.GetBytes("{`"forkee`":{`"id`":7,`"name`":`"caf$([char]233)`"},`"repository`":{`"id`":1.0,`"full_name`":`"acme/shop`"},`"sender`":{`"login`":`"kim`"}}"))
