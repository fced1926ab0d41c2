<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * The sandbox could not be started or reached, or it refused a call.
 *
 * It is a {@see NotVerified} if an expectation was not met, and else a {@see SandboxException}.
 */
interface SandboxError extends \Throwable
{
    /** The status of the answer, such as 409. Null if there was no answer. */
    public function status(): ?int;

    /** The word for the error in the answer, such as `world_in_use`. */
    public function error(): ?string;

    /** @return array<string, mixed> the whole answer */
    public function answer(): array;
}
