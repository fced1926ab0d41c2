<?php

declare(strict_types=1);

namespace IlumaSandbox;

use PHPUnit\Framework\Assert;

/**
 * Counts expectations that were met. PHPUnit calls a test without assertions risky.
 *
 * @internal
 */
final class Assertions
{
    public static function countOne(): void
    {
        if (class_exists(Assert::class, false)) {
            Assert::assertTrue(true);
        }
    }
}
