<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * A receiver for callbacks that is part of the sandbox.
 *
 * It answers 200. With `$inbox->url . '?status=500&times=2'` it refuses the first two callbacks.
 */
final class Inbox
{
    /** What to register for callbacks. */
    public readonly string $url;

    private readonly string $path;

    /** @internal */
    public function __construct(private readonly Control $control, string $name)
    {
        $this->path = "inbox/$name";
        $this->url = "$control->url/__sandbox/$this->path";
    }

    /**
     * The received callbacks, newest first: `seq`, `answered`, `headers` and `body`, which is the exact text.
     *
     * With `count`, it waits until this many have come. It throws {@see NotVerified} after `wait`, or at once if none can come
     * because no URL is registered.
     *
     * @return list<array{seq: int, answered: int, headers: array<string, string|list<string>>, body: string}>
     */
    public function received(
        int $count = 0,
        string|int|float|\DateInterval $wait = '5s',
        ?int $afterSeq = null,
        mixed ...$unknown,
    ): array {
        Options::refuse(__METHOD__, $unknown);
        $wait = Wire::duration($wait);
        $query = ['after_seq' => $afterSeq, 'count' => $count ?: null, 'wait' => $count === 0 ? null : $wait];
        try {
            $received = $this->control->fields('received', 'GET', $this->path, Wire::given($query))['received'];
        } catch (NotVerified $late) {
            $message = count($late->answer()['received'] ?? []) . " of $count callbacks came to $this->url";
            $why = Refusal::reasons($late->answer()['why'] ?? []);
            $message = $why === [] ? "$message within $wait" : implode("\n", [$message, ...$why]);
            throw new NotVerified($message, $late->status(), $late->answer());
        }
        if ($count > 0) {
            Assertions::countOne();
        }
        return $received;
    }

    /** Removes all received callbacks. */
    public function empty(): void
    {
        $this->control->call('DELETE', $this->path, [], null);
    }
}
