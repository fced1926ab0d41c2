<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * A list with facts about the whole result. `$page[0]`, `foreach` and `count` work as with an array.
 *
 * @implements \ArrayAccess<int, array<string, mixed>>
 * @implements \IteratorAggregate<int, array<string, mixed>>
 */
final class Page implements \ArrayAccess, \Countable, \IteratorAggregate
{
    /**
     * @param list<array<string, mixed>> $items
     * @param int $matched the total number, whatever the limit
     * @param int $dropped the number of entries that the sandbox has dropped, matching or not
     * @param bool $reachesIntoDropped whether dropped entries could have matched
     * @param int $lastSeq the number of the newest entry: send it as `afterSeq` to get later entries
     * @param ?int $next send it as `beforeSeq` to get the next page (`order: 'oldest'`: as `afterSeq`); null on the last
     */
    private function __construct(
        public readonly array $items,
        public readonly int $matched,
        public readonly int $dropped,
        public readonly bool $reachesIntoDropped,
        public readonly int $lastSeq,
        public readonly ?int $next,
    ) {
    }

    /**
     * @internal
     * @param list<array<string, mixed>> $items
     * @param array<string, mixed> $answer
     */
    public static function of(array $items, array $answer): self
    {
        return new self(
            $items,
            $answer['matched'] ?? $answer['matching'] ?? count($items),
            $answer['dropped'] ?? 0,
            $answer['reaches_into_dropped'] ?? false,
            $answer['last_seq'] ?? 0,
            $answer['next'] ?? null,
        );
    }

    public function count(): int
    {
        return count($this->items);
    }

    public function getIterator(): \Traversable
    {
        return new \ArrayIterator($this->items);
    }

    public function offsetExists(mixed $offset): bool
    {
        return isset($this->items[$offset]);
    }

    public function offsetGet(mixed $offset): mixed
    {
        $entries = count($this->items);
        return $this->items[$offset] ?? throw new \OutOfBoundsException("the page has no [$offset], but $entries entries");
    }

    public function offsetSet(mixed $offset, mixed $value): never
    {
        throw new \LogicException('a page cannot be changed');
    }

    public function offsetUnset(mixed $offset): never
    {
        throw new \LogicException('a page cannot be changed');
    }
}
