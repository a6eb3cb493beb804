<?php

return ['paths' => [], 'compiled' => dirname(__DIR__)];
