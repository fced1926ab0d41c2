<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\NotVerified;
use IlumaSandbox\Sandbox;
use IlumaSandbox\SandboxException;

/** What a world can be told and asked. */
final class WorldTest extends SandboxTestCase
{
    private const BANK = Product::BANK;
    private const BANK_PATH = Product::BANK_PATH;

    public function testANameGivesTheSameKeyInEverySandboxAndAnotherNameAnother(): void
    {
        $one = static::ilumaSandbox()->world('one');
        $two = static::ilumaSandbox()->world('two');
        self::assertNotSame($one->apiKey, $two->apiKey);
        self::assertNotSame($one->callbackToken, $two->callbackToken);
        $again = Sandbox::start()->world('one');
        self::assertSame([$one->apiKey, $one->callbackToken], [$again->apiKey, $again->callbackToken]);
        self::assertSame(Product::askForAccount($one)->text, Product::askForAccount($again)->text);
        $one->end();
        $two->end();
    }

    public function testAWorldWithoutANameIsGivenOne(): void
    {
        $one = static::ilumaSandbox()->world();
        $two = static::ilumaSandbox()->world();
        self::assertNotSame($one->name, $two->name);
        $one->end();
        $two->end();
    }

    public function testANameInUseIsRefusedUnlessItsWorldMayBeEmptied(): void
    {
        $world = static::ilumaSandbox()->world('taken');
        Product::askForAccount($world);
        $refused = $this->failure(SandboxException::class, static fn () => static::ilumaSandbox()->world('taken'));
        self::assertStringContainsString('there is a world `taken` already', $refused->getMessage());
        self::assertSame([409, 'world_in_use'], [$refused->status(), $refused->error()]);
        self::assertCount(0, static::ilumaSandbox()->world('taken', reset: true)->requests());
        $world->end();
    }

    public function testQueuedOutcomesAnswerTheNextCallsInTheirOrder(): void
    {
        $world = $this->ilumaWorld();
        $world->next(self::BANK, 'SERVER_ERROR', times: 2);
        $waiting = $world->next(self::BANK_PATH, 'RATE_LIMIT_EXCEEDED');
        self::assertSame(['SERVER_ERROR', 'RATE_LIMIT_EXCEEDED'], array_column($waiting, 'outcome'));
        self::assertSame([2, 1], array_column($waiting, 'times'));
        $statuses = array_map(static fn (): int => Product::askForAccount($world)->status, range(1, 4));
        self::assertSame([500, 500, 429, 200], $statuses);
    }

    public function testAnErrorIsQueuedForTheNextRead(): void
    {
        $world = $this->ilumaWorld();
        $id = Product::askForAccount($world)->json()['id'];
        $world->next(self::BANK, 'SERVER_ERROR', reads: true);
        self::assertSame(500, Product::ask($world, self::BANK_PATH . "/$id")->status);
        self::assertSame(200, Product::ask($world, self::BANK_PATH . "/$id")->status);
    }

    public function testAMisspeltNameIsRefusedWithTheNearest(): void
    {
        $world = $this->ilumaWorld();
        $misspelt = 'v1.1/bank_acount_data_requests';
        $cases = [
            [static fn () => $world->next(self::BANK, 'SERVER_EROR'), 'SERVER_ERROR'],
            [static fn () => $world->next($misspelt, 'SERVER_ERROR'), self::BANK],
            [static fn () => $world->requests(endpoint: $misspelt), self::BANK],
            [static fn () => $world->verify(endpoint: $misspelt, exactly: 0), self::BANK],
            [static fn () => $world->verify(inOrder: [['endpoint' => $misspelt]]), self::BANK],
            [static fn () => $world->faults(['endpoint' => $misspelt, 'fault' => 503]), self::BANK],
            [static fn () => $world->deliveries(state: 'deliverd'), 'delivered'],
            [static fn () => $world->registerCallbackUrl('NAME_VALIDTOR_REQUEST', $world->url), Product::BANK_CALLBACK],
        ];
        foreach ($cases as [$call, $nearest]) {
            self::assertStringContainsString($nearest, $this->failure(SandboxException::class, $call)->getMessage());
        }
    }

    public function testRequestsAreFoundByWhatTheyWereAndHowTheyWereAnswered(): void
    {
        $world = $this->ilumaWorld();
        Product::askForAccount($world);
        Product::askForAccount($world, '7', 'SERVER_ERROR');
        $statuses = static fn (iterable $requests): array => array_column(iterator_to_array($requests), 'status');
        self::assertSame([500, 200], $statuses($world->requests()));
        self::assertSame([200, 500], $statuses($world->requests(order: 'oldest')));
        [$failed] = $world->requests(status: 500);
        self::assertSame(Product::account('7'), $failed['body']);
        self::assertSame('SERVER_ERROR', $failed['headers']['x-magic-reply']);
        $found = $world->requests(headers: ['X-Magic-Reply' => 'SERVER_ERROR'], endpoint: self::BANK, method: 'POST');
        self::assertSame([$failed], $found->items);
        self::assertSame([$failed], $world->requests(body: ['bank_account_number' => '7'], trace: $failed['trace'])->items);
        self::assertCount(0, $world->requests(body: ['bank_account_number' => null]));
        self::assertCount(0, $world->requests(body: ['bank_account_number' => 'null']));
        $page = $world->requests(limit: 1);
        self::assertSame([1, 2, 0, $failed['seq'], false], [
            count($page), $page->matched, $page->dropped, $page->lastSeq, $page->reachesIntoDropped,
        ]);
        self::assertSame([200], $statuses($world->requests(beforeSeq: $page->next)));
        self::assertNull($world->requests(beforeSeq: $page->next)->next);
        self::assertSame([500], $statuses($world->requests(afterSeq: $failed['seq'] - 1)));
    }

    public function testAPageIsReadLikeAnArrayAndCannotBeChanged(): void
    {
        $page = $this->ilumaWorld()->requests();
        self::assertFalse(isset($page[0]));
        $missing = $this->failure(\OutOfBoundsException::class, static fn () => $page[0]);
        self::assertSame('the page has no [0], but 0 entries', $missing->getMessage());
        $this->failure(\LogicException::class, static function () use ($page): void {
            $page[0] = [];
        });
        $this->failure(\LogicException::class, static function () use ($page): void {
            unset($page[0]);
        });
    }

    public function testATextNullANameWithADotAndRepeatedParametersAreFound(): void
    {
        $world = $this->ilumaWorld();
        $body = Product::account('1234567890') + ['note' => 'null', 'meta.id' => ['a' => 7]];
        self::assertSame(200, Product::ask($world, self::BANK_PATH . '?tag=a&tag=b', $body)->status);
        self::assertCount(1, $world->requests(body: ['note' => 'null']));
        self::assertCount(0, $world->requests(body: ['note' => null]));
        self::assertCount(1, $world->waitFor(body: ['meta\.id' => ['a' => 7]], query: ['tag' => ['a', 'b']]));
        $world->verify(exactly: 1, body: ['meta\.id.a' => 7, 'note' => 'null'], query: ['tag' => ['a', 'b']]);
    }

    public function testWaitingForRequestsReturnsAsSoonAsTheyAreThere(): void
    {
        $world = $this->ilumaWorld();
        Product::askForAccount($world);
        self::assertCount(1, $world->waitFor(endpoint: self::BANK, wait: '1m'));
    }

    public function testWaitingInVainFailsAndShowsWhatCameInstead(): void
    {
        $world = $this->ilumaWorld();
        Product::askForAccount($world);
        $late = $this->failure(NotVerified::class, static fn () => $world->waitFor(endpoint: self::BANK, status: 500, wait: 0.01));
        self::assertSame(408, $late->status());
        self::assertStringContainsString('status: expected 500, received 200', $late->getMessage());
    }

    public function testAFailedVerifyIsAFailedAssertionThatShowsTheNearestRequestFieldByField(): void
    {
        $world = $this->ilumaWorld();
        $trace = Product::askForAccount($world)->headers['x-sandbox-trace'];
        $failed = $this->failure(
            \PHPUnit\Framework\AssertionFailedError::class,
            static fn () => $world->verify(endpoint: self::BANK, body: ['bank_account_number' => '999'], exactly: 1),
        );
        self::assertSame([
            'expected exactly 1 request with endpoint "v1.1/bank_account_data_requests", '
                . 'body.bank_account_number "999", but 0 of 1 matched',
            "  close was $trace, POST " . self::BANK_PATH . ' → 200 COMPLETED_FOUND:',
            '    body.bank_account_number: expected "999", received "1234567890"',
        ], explode("\n", $failed->getMessage()));
    }

    public function testAFailedVerifyNamesTheCodePointsOfTextsThatLookAlike(): void
    {
        $world = $this->ilumaWorld();
        Product::ask($world, self::BANK_PATH, Product::account('1234567890') + ['reference_id' => "Jose\u{301}"]);
        $message = $this->notVerified(
            static fn () => $world->verify(endpoint: self::BANK, body: ['reference_id' => "Jos\u{e9}"], exactly: 1),
        );
        self::assertStringEndsWith(
            "received \"Jose\u{301}\" (they look alike: `\u{e9}` U+00E9 against `e` U+0065 U+0301 at character 4)",
            $message,
        );
    }

    public function testVerifyKnowsNumbersOrderAndNever(): void
    {
        $world = $this->ilumaWorld();
        Product::askForAccount($world, '1111111111');
        Product::askForAccount($world, '2222222222');
        $first = ['endpoint' => self::BANK, 'body' => ['bank_account_number' => '1111111111']];
        $second = ['endpoint' => self::BANK, 'body' => ['bank_account_number' => '2222222222']];
        self::assertCount(2, $world->verify(endpoint: self::BANK));
        $world->verify(endpoint: self::BANK, exactly: 2, wait: '1m');
        $world->verify(endpoint: self::BANK, exactly: 1, afterSeq: 1);
        $world->verify(endpoint: self::BANK, atLeast: 1, atMost: 2);
        $world->verify(status: 500, neverWithin: new \DateInterval('PT0S'));
        $world->verify(inOrder: [$first, $second]);
        $world->verify(...$first, exactly: 1);
        $cases = [
            ['endpoint' => self::BANK, 'exactly' => 1],
            ['endpoint' => self::BANK, 'atLeast' => 3, 'wait' => 0.001],
            ['endpoint' => self::BANK, 'atMost' => 1],
            ['neverWithin' => '1ms'] + $first,
            ['inOrder' => [$second, $first]],
            ['status' => 500],
        ];
        foreach ($cases as $expectation) {
            self::assertStringContainsString('expected', $this->notVerified(static fn () => $world->verify(...$expectation)));
        }
    }

    public function testAValueThatIsNotJsonIsRefusedAndNotLeftOut(): void
    {
        $world = $this->ilumaWorld();
        $wrong = ['wrong' => "\xff"];
        $page = $this->failure(SandboxException::class, static fn () => $world->requests(body: $wrong));
        self::assertStringContainsString('`body.wrong` cannot be written as JSON', $page->getMessage());
        $verify = $this->failure(SandboxException::class, static fn () => $world->verify(body: $wrong, exactly: 0));
        self::assertStringContainsString('the body of POST verify cannot be written as JSON', $verify->getMessage());
    }

    public function testCallbacksComeWhenTheClockIsAdvanced(): void
    {
        $world = $this->ilumaWorld();
        Product::register($world);
        $record = Product::askForAccount($world, magic: 'PENDING_THEN_COMPLETED_FOUND')->json()['id'];
        self::assertCount(1, $world->advance(new \DateInterval('PT1M')));
        [$delivery] = $world->deliveries(1, type: Product::BANK_CALLBACK, record: $record, state: 'delivered');
        self::assertSame(200, $delivery['attempts'][0]['status']);
        $received = $world->inbox()->received(2); // the first was the test of the URL
        self::assertSame($delivery['body'], $received[0]['body']);
        self::assertSame($world->callbackToken, $received[0]['headers']['x-callback-token']);
        self::assertCount(1, $world->inbox()->received(afterSeq: $received[1]['seq']));
        self::assertCount(0, $world->inbox('other')->received());
        $world->idle();
        self::assertEquals(new \DateTimeImmutable('2026-01-01T00:01:00Z'), $world->now());
    }

    public function testTheClockIsSetToATimeAndNeverBack(): void
    {
        $world = $this->ilumaWorld();
        Product::register($world);
        Product::askForAccount($world, magic: 'COMPLETED_FOUND; callback=late(1h)');
        self::assertCount(1, $world->deliveries(state: 'scheduled'));
        self::assertCount(1, $world->setClock(new \DateTime('2026-02-01T07:00:00.5+07:00')));
        self::assertEquals(new \DateTimeImmutable('2026-02-01T00:00:00.5Z'), $world->now());
        $back = $this->failure(SandboxException::class, static fn () => $world->setClock(new \DateTime('2026-01-01T00:00:00Z')));
        self::assertStringContainsString('back', $back->getMessage());
    }

    public function testCallbacksThatDoNotComeAreAFailureWithReasons(): void
    {
        $world = $this->ilumaWorld();
        self::assertStringContainsString(
            'no request of this world has caused a callback',
            $this->notVerified(static fn () => $world->deliveries(1, wait: '10ms')),
        );
        self::assertSame(
            "0 of 1 callbacks came to {$world->inbox()->url} within 10ms",
            $this->notVerified(static fn () => $world->inbox()->received(1, wait: 0.01)),
        );
        Product::register($world);
        Product::askForAccount($world, magic: 'COMPLETED_FOUND; callback=late(1h)');
        self::assertStringContainsString('1 callbacks are pending', $this->notVerified(static fn () => $world->idle('10ms')));
    }

    public function testACallbackWithoutAUrlIsNamedAtOnce(): void
    {
        $world = $this->ilumaWorld();
        Product::askForAccount($world, magic: 'PENDING_THEN_COMPLETED_FOUND; callback=late(1h)');
        $missing = 'no URL is registered for ' . Product::BANK_CALLBACK;
        $started = microtime(true);
        $deliveries = $this->notVerified(static fn () => $world->deliveries(1, wait: '1m'));
        self::assertStringContainsString($missing, $deliveries);
        $received = $this->notVerified(static fn () => $world->inbox()->received(1, wait: '1m'));
        self::assertSame("0 of 1 callbacks came to {$world->inbox()->url}\n  $missing", $received);
        self::assertLessThan(30.0, microtime(true) - $started);
    }

    public function testACallbackIsSentWithoutARequest(): void
    {
        $world = $this->ilumaWorld();
        Product::register($world);
        $sent = $world->trigger(Product::BANK_CALLBACK, 'COMPLETED_FOUND', set: ['result.is_found' => false]);
        self::assertFalse(Product::ask($world, self::BANK_PATH . "/{$sent['record']}")->json()['result']['is_found']);
    }

    public function testWhatIsUnusedIsAFailureAndASummaryShowsIt(): void
    {
        $world = $this->ilumaWorld();
        $world->verifyUsed();
        Product::register($world);
        $world->next(self::BANK, 'PENDING_THEN_COMPLETED_FOUND', 2);
        Product::askForAccount($world);
        $callback = Product::BANK_CALLBACK;
        $due = 'is still pending until 2026-01-01T00:00:01.000Z';
        self::assertStringContainsString("dlv_1  $callback $due, in 1s; advance the clock by 1s to send it\n", $world->summary());
        self::assertSame([
            'the test left things unused: 1 queued outcome, 0 faults and 1 callback',
            '  outcome PENDING_THEN_COMPLETED_FOUND is queued for ' . self::BANK . ', and the request for it never came',
            "  callback dlv_1 of type $callback was never awaited: it $due",
        ], explode("\n", $this->notVerified(static fn () => $world->verifyUsed())));
        Product::askForAccount($world);
        $world->advance('1m');
        $world->verifyUsed();
    }

    public function testFaultsBreakRepliesUntilTheyAreRemoved(): void
    {
        $world = $this->ilumaWorld();
        $world->faults(['endpoint' => self::BANK, 'fault' => 503, 'probability' => 1.0], ttl: '1m');
        self::assertSame(503, Product::askForAccount($world)->status);
        $world->faults(['rate_limit' => ['limit' => 1, 'window' => '1m']], ['delay' => '1ms']);
        self::assertSame(200, Product::askForAccount($world)->status);
        self::assertSame(429, Product::askForAccount($world)->status);
        $world->faults();
        self::assertSame(200, Product::askForAccount($world)->status);
    }

    public function testThePartsOfATraceAreFoundByItsIdAndAMalformedOneIsRefused(): void
    {
        $world = $this->ilumaWorld();
        Product::register($world);
        $id = '0af7651916cd43dd8448eb211c80319c';
        $headers = ["traceparent: 00-$id-b7ad6b7169203331-01", 'x-request-id: abc-1'];
        $trace = Product::ask($world, self::BANK_PATH, Product::account('1'), null, $headers)->headers['x-sandbox-trace'];
        Product::askForAccount($world, '2');
        $world->idle();
        $traces = static fn (iterable $requests): array => array_column(iterator_to_array($requests), 'trace');
        self::assertSame([$trace], $traces($world->requests(requestId: 'abc-1')));
        self::assertSame([$trace], $traces($world->requests(traceparent: $id)));
        foreach ([$world->deliveries(requestId: 'abc-1'), $world->deliveries(traceparent: $id)] as $found) {
            self::assertSame(['abc-1'], array_column($found->items, 'request_id'));
            self::assertStringContainsString($id, $found[0]['traceparent']);
        }
        self::assertCount(0, $world->requests(requestId: 'abc-2'));
        self::assertCount(0, $world->deliveries(requestId: 'abc-2'));
        foreach ([static fn () => $world->requests(traceparent: '00-zz'), static fn () => $world->deliveries(traceparent: '00-zz')] as $call) {
            self::assertStringContainsString('traceparent', $this->failure(SandboxException::class, $call)->getMessage());
        }
    }

    public function testAnAnswerIsExplainedByItsTrace(): void
    {
        $world = $this->ilumaWorld();
        $world->next(self::BANK, 'SERVER_ERROR');
        $explanation = $world->explain(Product::askForAccount($world)->headers['x-sandbox-trace']);
        self::assertStringContainsString('SERVER_ERROR', json_encode($explanation, JSON_THROW_ON_ERROR));
    }

    public function testAResetEmptiesTheWorldAndItAnswersAsAtFirst(): void
    {
        $world = $this->ilumaWorld();
        Product::register($world);
        $first = Product::askForAccount($world, magic: 'PENDING_THEN_COMPLETED_FOUND; callback=late(1h)')->text;
        self::assertSame(1, $world->reset(), 'the callback that had not left');
        self::assertCount(0, $world->requests());
        self::assertCount(0, $world->inbox()->received());
        self::assertSame($first, Product::askForAccount($world, magic: 'PENDING_THEN_COMPLETED_FOUND')->text);
    }

    public function testTheEndOfAWorldSaysWhatWasLeftUndone(): void
    {
        $world = $this->ilumaWorld()->failOnUnused(); // nothing is unused after the end
        Product::register($world);
        Product::askForAccount($world, magic: 'COMPLETED_FOUND; callback=late(1h)');
        $world->next(self::BANK, 'SERVER_ERROR');
        $world->faults(['fault' => 'reset', 'endpoint' => 'v2/ktp_data_requests']);
        $left = $world->end();
        self::assertSame([Product::BANK_CALLBACK], array_column($left['callbacks'], 'type'));
        self::assertSame([0, 1, 1], [$left['more_callbacks'], $left['queued'], $left['faults']]);
        self::assertCount(0, $world->requests());
    }

    public function testAnyOtherControlCallCanBeMade(): void
    {
        $world = $this->ilumaWorld();
        $record = Product::askForAccount($world)->json()['id'];
        $snapshot = $world->call('GET', 'snapshot', decode: false);
        $world->reset();
        $world->call('PUT', 'snapshot', body: $snapshot);
        self::assertSame(200, Product::ask($world, self::BANK_PATH . "/$record")->status);
        self::assertStringContainsString('{"type":"exchange"', $world->call('GET', 'export'));
        $refused = $this->failure(SandboxException::class, static fn () => $world->call('GET', 'explain/no trace?'));
        self::assertSame(404, $refused->status());
        self::assertNotSame([null, []], [$refused->error(), $refused->answer()]);
        $null = $this->failure(
            \InvalidArgumentException::class,
            static fn () => $world->call('GET', 'requests', ['endpoint' => null]),
        );
        self::assertSame('`endpoint` of query is null: leave it out, or give it a value', $null->getMessage());
    }
}
