<?php

use Illuminate\Filesystem\FilesystemServiceProvider;
use Illuminate\Foundation\Providers\FoundationServiceProvider;
use Illuminate\View\ViewServiceProvider;

return [
    'env' => 'production',
    'debug' => true,
    'timezone' => 'UTC',
    'providers' => [FoundationServiceProvider::class, FilesystemServiceProvider::class, ViewServiceProvider::class],
    'aliases' => [],
];
