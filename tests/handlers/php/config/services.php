<?php

return ['github' => ['webhook_secret' => getenv('GITHUB_WEBHOOK_SECRET')]];
