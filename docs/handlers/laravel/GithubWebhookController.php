<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Http\Response;
use RuntimeException;

class GithubWebhookController
{
    public function __invoke(Request $request): Response
    {
        $secret = config('services.github.webhook_secret') ?: throw new RuntimeException('GITHUB_WEBHOOK_SECRET is not set');
        $body = $request->getContent(); // not $request->all(): that is parsed
        $expected = 'sha256=' . hash_hmac('sha256', $body, $secret);
        if (! hash_equals($expected, (string) $request->header('X-Hub-Signature-256'))) {
            return response("wrong signature\n", 401);
        }
        $event = json_decode($body, true);
        // Queue the work under the id in X-GitHub-Delivery, and do nothing if that id is known.
        return response('', 202);
    }
}
