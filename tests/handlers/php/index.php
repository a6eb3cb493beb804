<?php

// A Laravel application with nothing but the controller of docs/handlers, for a test.

use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as KernelContract;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Foundation\Http\Kernel;
use Illuminate\Http\Request;

// A Laravel that is older than PHP uses what is deprecated.
error_reporting(E_ALL & ~E_DEPRECATED);
require '/usr/share/php/Illuminate/autoload.php';
require __DIR__ . '/GithubWebhookController.php';

$app = new Application(__DIR__);
$app->singleton(KernelContract::class, Kernel::class);
$app->singleton(ExceptionHandler::class, Handler::class);
$app->booted(function ($app) {
    $app['router']->post('/webhooks/github', App\Http\Controllers\GithubWebhookController::class);
});
$app->make(KernelContract::class)->handle(Request::capture())->send();
