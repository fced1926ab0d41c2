<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\Sandbox;
use IlumaSandbox\World;

/** No option is left out silently. */
final class OptionsTest extends SandboxTestCase
{
    private const BANK = Product::BANK;

    public function testAnUnknownOptionIsRefusedWithTheNearest(): void
    {
        $world = $this->ilumaWorld();
        $cases = [
            [static fn () => $world->verify(endpoint: self::BANK, atleast: 3), '`atleast` of verify: did you mean `atLeast`?'],
            [static fn () => $world->verify(endpoint: self::BANK, at_least: 3), '`at_least` of verify: did you mean `atLeast`?'],
            [static fn () => $world->verify(endpont: self::BANK), '`endpont` of verify: did you mean `endpoint`?'],
            [static fn () => $world->verify(bodies: []), '`bodies` of verify: did you mean `body`?'],
            [
                static fn () => $world->verify(inOrder: [[], ['endpont' => self::BANK]]),
                '`endpont` of verify.inOrder[1]: did you mean `endpoint`?',
            ],
            [static fn () => $world->requests(endpont: self::BANK), '`endpont` of requests: did you mean `endpoint`?'],
            [static fn () => $world->requests(before: 1), '`before` of requests: did you mean `beforeSeq`?'],
            [static fn () => $world->waitFor(counts: 2), '`counts` of waitFor: did you mean `count`?'],
            [static fn () => $world->deliveries(1, states: 'delivered'), '`states` of deliveries: did you mean `state`?'],
            [static fn () => $world->next(self::BANK, 'SERVER_ERROR', time: 2), '`time` of next: did you mean `times`?'],
            [static fn () => $world->trigger(kind: self::BANK), '`kind` of trigger: known are type, outcome, endpoint, set'],
            [static fn () => $world->inbox()->received(1, waits: '1s'), '`waits` of received: did you mean `wait`?'],
            [static fn () => $world->faults(['fault' => 503], tll: '1m'), '`tll` of faults: did you mean `ttl`?'],
            [
                static fn () => $world->faults(['fault' => 503], ['endpiont' => self::BANK, 'fault' => 503]),
                '`endpiont` of faults[1]: did you mean `endpoint`?',
            ],
            [static fn () => Sandbox::start(sed: 7), '`sed` of Sandbox::start: did you mean `seed`?'],
            [static fn () => Sandbox::connect(token: 'x'), '`token` of Sandbox::connect: did you mean `controlToken`?'],
            [static fn () => static::ilumaSandbox()->world('x', resets: true), '`resets` of Sandbox::world: did you mean `reset`?'],
        ];
        foreach ($cases as [$call, $message]) {
            self::assertSame("unknown option $message", $this->failure(\InvalidArgumentException::class, $call)->getMessage());
        }
    }

    public function testAnOptionOfAnotherTypeIsRefused(): void
    {
        $world = $this->ilumaWorld();
        $cases = [
            [
                static fn () => $world->verify(endpoint: null, exactly: 0),
                '`endpoint` of verify is null: leave it out, or give it a value',
            ],
            [static fn () => $world->requests(body: 'x'), '`body` of requests takes an array, and not "x"'],
            [static fn () => $world->requests(status: '500'), '`status` of requests takes a whole number, and not "500"'],
            [static fn () => $world->waitFor(path: 7), '`path` of waitFor takes a text, and not 7'],
            [static fn () => $world->waitFor(headers: null), '`headers` of waitFor is null: leave it out, or give it a value'],
            [
                static fn () => $world->verify(inOrder: ['endpoint' => self::BANK]),
                'verify.inOrder takes a list of requests, and not {"endpoint":"' . self::BANK . '"}',
            ],
            [
                static fn () => $world->verify(inOrder: [self::BANK]),
                'verify.inOrder[0] takes an array of options, and not "' . self::BANK . '"',
            ],
            [static fn () => $world->faults('reset'), 'faults[0] takes an array of options, and not "reset"'],
            [
                // Without an endpoint, every endpoint would be broken.
                static fn () => $world->faults(['endpoint' => null, 'fault' => 503]),
                '`endpoint` of faults[0] is null: leave it out, or give it a value',
            ],
            [
                static fn () => $world->trigger(Product::BANK_CALLBACK, 'COMPLETED_FOUND', self::BANK, [], 'more'),
                'trigger takes its options by name (type, outcome, endpoint, set), and not "more"',
            ],
        ];
        foreach ($cases as [$call, $message]) {
            self::assertSame($message, $this->failure(\InvalidArgumentException::class, $call)->getMessage());
        }
    }

    public function testNullInABodyMeansAMissingValue(): void
    {
        self::assertCount(0, $this->ilumaWorld()->requests(body: ['bank_code' => null]));
    }

    /** Without it, PHP would leave out an argument too many, or an error of PHP would not name the nearest. */
    public function testEveryMethodWithOptionsRefusesUnknownOnes(): void
    {
        $withoutOptions = ['call', 'inbox', 'idle'];
        foreach ([World::class, Sandbox::class, \IlumaSandbox\Inbox::class] as $class) {
            foreach ((new \ReflectionClass($class))->getMethods(\ReflectionMethod::IS_PUBLIC) as $method) {
                if ($method->getNumberOfParameters() > $method->getNumberOfRequiredParameters() && !$method->isConstructor()) {
                    $isChecked = $method->isVariadic() || in_array($method->getName(), $withoutOptions, true);
                    self::assertTrue($isChecked, "$class::{$method->getName()}");
                }
            }
        }
    }
}
