<?php

declare(strict_types=1);

namespace IlumaSandbox;

use PHPUnit\Framework\AssertionFailedError;

// PHPUnit shows its own assertions as failures, and all other exceptions as errors. The client works without PHPUnit too.
if (class_exists(AssertionFailedError::class)) {
    /** @internal */
    abstract class FailedAssertion extends AssertionFailedError
    {
    }
} else {
    /** @internal */
    abstract class FailedAssertion extends \AssertionError
    {
    }
}

/** An expectation was not met. The message shows the nearest requests. For PHPUnit, it is a failed assertion. */
final class NotVerified extends FailedAssertion implements SandboxError
{
    use Answered;
}
