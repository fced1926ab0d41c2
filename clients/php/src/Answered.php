<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * The answer to which an error belongs. PHPUnit serializes it, but not its private properties.
 *
 * @internal
 */
trait Answered
{
    /** @param array<string, mixed> $answer */
    public function __construct(
        string $message,
        protected ?int $status = null,
        protected array $answer = [],
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, 0, $previous);
    }

    public function status(): ?int
    {
        return $this->status;
    }

    public function error(): ?string
    {
        $word = $this->answer['error'] ?? null;
        return is_string($word) ? $word : null;
    }

    /** @return array<string, mixed> */
    public function answer(): array
    {
        return $this->answer;
    }
}
