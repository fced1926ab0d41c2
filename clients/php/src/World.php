<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * The data of one API key, on a sandbox that other tests can use at the same time.
 *
 * Durations are `'250ms'`, `'10s'`, `'5m'`, `'2h'`, `'3d'`, seconds as a number, or a `DateInterval`. Every method throws a
 * {@see SandboxError} with the message of the sandbox if that refuses the call.
 *
 * The conditions for a request are `endpoint` (id or path), `outcome`, `status`, `method`, `path`, `trace`,
 * `traceparent` (a whole one, or the 32 hex digits of its trace id), `requestId` (the header `x-request-id`), `body`, `headers` and
 * `query`. `body` has dotted paths: `['given_names' => 'Eko', 'addresses.0.country' => 'ID']`. A dot in a name is written with a
 * backslash. A value of `headers` and `query` is a list if the name came more than once. Null means that the value is missing.
 */
final class World
{
    private const PAGING = ['afterSeq', 'beforeSeq', 'order', 'limit'];
    private const WAITING = ['count', 'wait', 'afterSeq'];
    private const VERIFYING = ['exactly', 'atLeast', 'atMost', 'neverWithin', 'inOrder', 'wait', 'afterSeq'];

    /** The URL of the API. */
    public readonly string $url;
    public readonly string $name;
    /** The name of this world in the sandbox's log and journal. */
    public readonly string $tag;
    /** The API key of this world. The key alone chooses the world. */
    public readonly string $apiKey;
    /** The value of `x-callback-token` in callbacks of this world. */
    public readonly string $callbackToken;
    /** The certificate authority that clients must trust, if the URL is https. */
    public readonly ?string $caPem;
    /** The same as a file: `CURLOPT_CAINFO`, or `verify` of Guzzle. */
    public readonly ?string $caFile;

    private readonly Control $control;
    /** @var array<string, Inbox> */
    private array $inboxes = [];
    private bool $failsOnUnused = false;

    /**
     * @internal
     * @param array<string, mixed> $created
     * @param Sandbox $sandbox it must not stop while one of its worlds is used
     */
    public function __construct(private readonly Sandbox $sandbox, Control $control, array $created)
    {
        $this->url = $sandbox->url;
        $this->caPem = $sandbox->caPem;
        $this->caFile = $sandbox->caFile;
        $this->name = $created['name'];
        $this->tag = $created['world'];
        $this->apiKey = $created['api_key'];
        $this->callbackToken = $created['callback_token'];
        $this->control = $control->withKey($this->apiKey);
    }

    /**
     * User and password: `'auth' => $world->auth()` of Guzzle.
     *
     * @return array{string, string}
     */
    public function auth(): array
    {
        return [$this->apiKey, ''];
    }

    /** The same as a header: `Basic …`. */
    public function authorization(): string
    {
        return Control::authorization($this->apiKey);
    }

    /**
     * Queues an outcome for the next calls of an endpoint (its id or path). Queued outcomes are used one after another.
     *
     * With `reads`, they apply to the next GETs of records (errors only).
     *
     * @return list<array{endpoint: string, outcome: string, times: int, reads: bool}> the whole queue
     */
    public function next(string $endpoint, string $outcome, int $times = 1, bool $reads = false, mixed ...$unknown): array
    {
        Options::refuse(__METHOD__, $unknown);
        $body = ['endpoint' => $endpoint, 'outcome' => $outcome, 'times' => $times, 'reads' => $reads];
        return $this->control->fields('waiting', 'POST', 'next', [], $body)['waiting'];
    }

    /**
     * The requests of this world that match, newest first unless `order` is `'oldest'`.
     *
     * @param mixed ...$match conditions for a request
     */
    public function requests(
        ?int $afterSeq = null,
        ?int $beforeSeq = null,
        ?string $order = null,
        ?int $limit = null,
        mixed ...$match,
    ): Page {
        Options::checkMatch('requests', $match, self::PAGING);
        $page = ['after_seq' => $afterSeq, 'before_seq' => $beforeSeq, 'order' => $order, 'limit' => $limit];
        return $this->page($match, $page);
    }

    /**
     * The same, but waits until `count` match. Throws {@see NotVerified} after `wait` (60 s at most).
     *
     * @param mixed ...$match conditions for a request
     */
    public function waitFor(
        int $count = 1,
        string|int|float|\DateInterval $wait = '5s',
        ?int $afterSeq = null,
        mixed ...$match,
    ): Page {
        Options::checkMatch('waitFor', $match, self::WAITING);
        $page = $this->page($match, ['after_seq' => $afterSeq, 'count' => $count, 'wait' => Wire::duration($wait)]);
        Assertions::countOne();
        return $page;
    }

    /**
     * Throws {@see NotVerified} with the nearest requests, field by field, if the expectation is not met.
     *
     * Without a number, at least one request must match. `neverWithin: '2s'` waits for this time, and fails if a request matches.
     * `inOrder: [['endpoint' => …], …]` expects requests that match one after another. `wait` is how long to wait until the
     * expectation is met.
     *
     * @param ?list<array<string, mixed>> $inOrder
     * @param mixed ...$match conditions for a request
     * @return list<string> the traces of the requests that matched
     */
    public function verify(
        ?int $exactly = null,
        ?int $atLeast = null,
        ?int $atMost = null,
        string|int|float|\DateInterval|null $neverWithin = null,
        ?array $inOrder = null,
        string|int|float|\DateInterval|null $wait = null,
        ?int $afterSeq = null,
        mixed ...$match,
    ): array {
        Options::checkMatch('verify', $match, self::VERIFYING);
        if ($inOrder !== null) {
            Options::checkSteps('verify.inOrder', $inOrder);
        }
        if ($exactly === null && $atLeast === null && $atMost === null && $neverWithin === null && $inOrder === null) {
            $atLeast = 1;
        }
        $steps = static fn (array $step): object => (object) Wire::conditions($step);
        $body = [
            'request' => $inOrder === null || $match !== [] ? (object) Wire::conditions($match) : null,
            'in_order' => $inOrder === null ? null : array_map($steps, $inOrder),
            'exactly' => $exactly,
            'at_least' => $atLeast,
            'at_most' => $atMost,
            'never_within' => $neverWithin === null ? null : Wire::duration($neverWithin),
            'wait' => $wait === null ? null : Wire::duration($wait),
            'after_seq' => $afterSeq,
        ];
        $traces = $this->control->fields('requests', 'POST', 'verify', [], Wire::given($body))['requests'];
        Assertions::countOne();
        return $traces;
    }

    /**
     * The callbacks that match, with their attempts, newest first.
     *
     * With `count`, it waits until this many match. It throws {@see NotVerified} with the reasons after `wait`, or at once if
     * none can come because no URL is registered. `state` is `scheduled`, `sending`, `retrying`, `delivered`, `failed`, `cancelled`,
     * `suppressed`, `dropped` or `no_url`; only `state: 'no_url'` lists the callbacks that had no URL. `traceparent`
     * and `requestId` choose the callbacks of one trace.
     */
    public function deliveries(
        ?int $count = null,
        ?string $type = null,
        ?string $record = null,
        ?string $state = null,
        ?string $traceparent = null,
        ?string $requestId = null,
        ?int $afterSeq = null,
        ?int $limit = null,
        string|int|float|\DateInterval $wait = '5s',
        mixed ...$unknown,
    ): Page {
        Options::refuse(__METHOD__, $unknown);
        $query = [
            'type' => $type,
            'record' => $record,
            'state' => $state,
            'traceparent' => $traceparent,
            'request_id' => $requestId,
            'after_seq' => $afterSeq,
            'limit' => $limit,
            'count' => $count,
            'wait' => $count === null ? null : Wire::duration($wait),
        ];
        $answer = $this->control->fields('deliveries', 'GET', 'deliveries', Wire::given($query));
        if ($count !== null) {
            Assertions::countOne();
        }
        return Page::of($answer['deliveries'], $answer);
    }

    /**
     * Returns when no callback is pending, or throws {@see NotVerified} with the pending ones after `wait`.
     *
     * It also throws it if callbacks were dropped since the last reset, because too many of all worlds were pending.
     */
    public function idle(string|int|float|\DateInterval $wait = '5s'): void
    {
        $answer = (array) $this->call('GET', 'idle', ['wait' => Wire::duration($wait)]);
        $dropped = $answer['dropped_callbacks'] ?? 0;
        if ($dropped > 0) {
            $message = "nothing is pending, but $dropped callbacks were dropped: too many of all worlds were pending";
            throw new NotVerified($message, 200, $answer);
        }
        Assertions::countOne();
    }

    /**
     * Moves the world's clock forward and runs everything that falls due.
     *
     * @return list<array<string, mixed>> the callbacks that were tried
     */
    public function advance(string|int|float|\DateInterval $by): array
    {
        return $this->moveClock('clock/advance', ['by' => Wire::duration($by)]);
    }

    /**
     * The same, to a time. The clock never goes back.
     *
     * @return list<array<string, mixed>> the callbacks that were tried
     */
    public function setClock(\DateTimeInterface $now): array
    {
        $utc = \DateTimeImmutable::createFromInterface($now)->setTimezone(new \DateTimeZone('UTC'));
        return $this->moveClock('clock', ['now' => $utc->format('Y-m-d\TH:i:s.v\Z')]);
    }

    /** The time of the world's clock. */
    public function now(): \DateTimeImmutable
    {
        return new \DateTimeImmutable($this->control->fields('now', 'GET', 'clock')['now']);
    }

    /**
     * Sets the faults and delays of this world: `faults(['endpoint' => …, 'fault' => 503], ttl: '1m')`.
     *
     * The keys of a fault are `endpoint` (all products without it), `fault` (`'reset'`, `'truncate'`, `'slow(1kb/s)'`, 503, …),
     * `delay` (`'3s'`, `'uniform(1s, 3s)'`, …), `probability` and `rate_limit`. They replace earlier ones; without any, all are
     * removed. They end after `ttl`. The default is 5 minutes.
     *
     * @param mixed ...$faults arrays, and `ttl`
     */
    public function faults(mixed ...$faults): void
    {
        $ttl = $faults['ttl'] ?? null;
        unset($faults['ttl']);
        Options::checkFaults($faults, ['ttl']);
        if ($faults === []) {
            $this->call('DELETE', 'faults');
            return;
        }
        $body = ['faults' => array_map(static fn (array $fault): object => (object) $fault, $faults)];
        if ($ttl !== null) {
            $body['ttl'] = Wire::duration($ttl);
        }
        $this->call('PUT', 'faults', body: $body);
    }

    /** Registers the URL for callbacks of a type, as the application does. The sandbox sends a test there first. */
    public function registerCallbackUrl(string $type, string $url): void
    {
        [$status, $text] = $this->control->post('/v1/callback/urls', Wire::json(['type' => $type, 'url' => $url]));
        if ($status !== 200) {
            throw new SandboxException("the callback URL $url of $type was refused with $status: $text", $status);
        }
    }

    /**
     * Sends a callback without a request: `set: ['result.is_found' => false]` changes its body. Its record can be read.
     *
     * @param ?string $endpoint needed if several endpoints have the type
     * @param array<string, mixed> $set
     * @return array<string, mixed> the delivery
     */
    public function trigger(
        ?string $type = null,
        ?string $outcome = null,
        ?string $endpoint = null,
        array $set = [],
        mixed ...$unknown,
    ): array {
        Options::refuse(__METHOD__, $unknown);
        $body = ['type' => $type, 'outcome' => $outcome, 'endpoint' => $endpoint, 'set' => $set === [] ? null : (object) $set];
        return $this->control->fields('id', 'POST', 'trigger', [], Wire::given($body));
    }

    /** A receiver for this world's callbacks. Use it instead of your own receiver. */
    public function inbox(string $name = 'inbox'): Inbox
    {
        return $this->inboxes[$name] ??= new Inbox($this->control, "$this->tag-$name");
    }

    /**
     * Explains a response. Its trace is in the header `x-sandbox-trace`.
     *
     * @return array<string, mixed>
     */
    public function explain(string $trace): array
    {
        return (array) $this->call('GET', "explain/$trace");
    }

    /** The latest requests and callbacks as a short text, also those callbacks that are scheduled. */
    public function summary(): string
    {
        return (string) $this->call('GET', 'summary', decode: false);
    }

    /**
     * Throws {@see NotVerified} if the test has left something unused. Call it before the world ends.
     *
     * Unused are queued outcomes that were never requested, faults that never struck, and callbacks that were never awaited. A
     * callback that a receiver of the test's own has accepted counts as awaited.
     */
    public function verifyUsed(): void
    {
        $this->call('GET', 'unused');
        Assertions::countOne();
    }

    /** Calls {@see verifyUsed} at the end of a test that {@see IlumaWorlds} has given this world. */
    public function failOnUnused(): self
    {
        $this->failsOnUnused = true;
        return $this;
    }

    /** @internal */
    public function failsOnUnused(): bool
    {
        return $this->failsOnUnused;
    }

    /** @internal */
    public function isStopped(): bool
    {
        return $this->sandbox->isStopped();
    }

    /**
     * Empties the world and its inboxes, when no callback is under way.
     *
     * @return int the number of cancelled callbacks
     */
    public function reset(): int
    {
        $cancelled = $this->control->fields('cancelled_callbacks', 'POST', 'reset')['cancelled_callbacks'];
        $this->emptyInboxes();
        return $cancelled;
    }

    /**
     * Ends the world. The next request with its key begins a new world.
     *
     * @return array{callbacks: list<array<string, mixed>>, more_callbacks: int, queued: int, faults: int} what was pending
     */
    public function end(): array
    {
        $pending = $this->control->fields('pending', 'DELETE', 'worlds')['pending'];
        $this->emptyInboxes();
        return $pending;
    }

    /**
     * Any other call of the control API, for this world: `call('GET', 'snapshot')`.
     *
     * @param array<string, mixed> $query
     * @param array<string, mixed>|string|null $body a text is JSON already
     * @param bool $decode false returns the text of the answer, in which `{}` stays different from `[]`
     * @return mixed JSON as arrays, or a text
     */
    public function call(
        string $method,
        string $path,
        array $query = [],
        array|string|null $body = null,
        bool $decode = true,
    ): mixed {
        return $this->control->call($method, $path, $query, $body, $decode);
    }

    /**
     * @param array<string, mixed> $match
     * @param array<string, mixed> $page
     */
    private function page(array $match, array $page): Page
    {
        $query = Wire::given($page);
        foreach (Wire::conditions($match) as $name => $value) {
            try {
                $query[$name] = Wire::json($value); // keeps the text "null" apart from a missing value
            } catch (\JsonException $error) {
                throw new SandboxException("`$name` cannot be written as JSON: {$error->getMessage()}");
            }
        }
        $answer = $this->control->fields('requests', 'GET', 'requests', $query);
        return Page::of($answer['requests'], $answer);
    }

    /**
     * @param array<string, mixed> $body
     * @return list<array<string, mixed>>
     */
    private function moveClock(string $path, array $body): array
    {
        return $this->control->fields('deliveries', 'POST', $path, [], $body)['deliveries'];
    }

    private function emptyInboxes(): void
    {
        foreach ($this->inboxes as $inbox) {
            $inbox->empty();
        }
    }
}
