<?php

declare(strict_types=1);

namespace IlumaSandbox;

/** The sandbox could not be started or reached, or it refused a call with this message. */
final class SandboxException extends \RuntimeException implements SandboxError
{
    use Answered;
}
