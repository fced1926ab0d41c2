<?php

declare(strict_types=1);

// What Composer writes into vendor/autoload.php, so that the tests need nothing but PHPUnit.
spl_autoload_register(static function (string $class): void {
    foreach (['IlumaSandbox\\Tests\\' => __DIR__, 'IlumaSandbox\\' => __DIR__ . '/../src'] as $prefix => $folder) {
        if (str_starts_with($class, $prefix)) {
            $file = $folder . '/' . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
            if (is_file($file)) {
                require $file;
            }
            return;
        }
    }
});
