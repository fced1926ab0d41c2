<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\Sandbox;
use IlumaSandbox\TestWorlds;

/** The trait, in test suites of their own. */
final class IlumaWorldsTest extends SandboxTestCase
{
    /** A test case with the trait. */
    private static function testCase(string $class, string $body): string
    {
        return "use IlumaSandbox\\{IlumaWorlds, Sandbox, NotVerified};
            use IlumaSandbox\\Tests\\Product;
            final class $class extends PHPUnit\\Framework\\TestCase {
                use IlumaWorlds;
                const BANK = 'v1.1/bank_account_data_requests';
                $body
            }";
    }

    /** @return array<string, string> the text of each failure, by the name of the test */
    private static function failures(string $output): array
    {
        $failures = [];
        preg_match_all('/^[0-9]+\) \w+::(\w+)\n(.*?)\n(?=\n[0-9]+\)|--|\nFAILURES|\nERRORS)/sm', $output, $found, PREG_SET_ORDER);
        foreach ($found as [, $test, $text]) {
            $failures[$test] = $text;
        }
        return $failures;
    }

    public function testAWorldIsNamedAfterItsClassAndItsTest(): void
    {
        $world = $this->ilumaWorld();
        self::assertSame(self::class . '::testAWorldIsNamedAfterItsClassAndItsTest', $world->name);
        self::assertSame($world, $this->ilumaWorld());
        $buyer = $this->ilumaWorld('buyer');
        self::assertSame("$world->name buyer", $buyer->name);
        self::assertNotSame($world->apiKey, $buyer->apiKey);
    }

    public function testEachTestHasAWorldOfItsOwnInTheSandboxOfTheProcess(): void
    {
        $test = static fn (string $class): string => self::testCase($class, '
            /** @dataProvider numbers */
            #[PHPUnit\Framework\Attributes\DataProvider("numbers")]
            public function testIt(int $number) {
                $world = $this->ilumaWorld();
                $this->assertCount(0, $world->requests());
                $id = Product::askForAccount($world)->json()["id"];
                file_put_contents(__DIR__ . "/../seen", static::ilumaSandbox()->pid . " $world->apiKey $id\n", FILE_APPEND);
                $this->assertSame([$world->name], Product::worldNames(static::ilumaSandbox()));
            }
            public static function numbers(): array { return [[1], "two\n\x01" => [2], "\xff" => [3], "\xfe" => [4]]; }');
        $runs = [];
        for ($run = 0; $run < 2; $run++) {
            [$code, $output] = $this->runTests(['OneTest.php' => $test('OneTest'), 'TwoTest.php' => $test('TwoTest')]);
            self::assertSame(0, $code, $output);
            $runs[] = array_map(static fn (string $line): array => explode(' ', trim($line)), file($this->folder() . '/seen'));
            unlink($this->folder() . '/seen');
        }
        self::assertCount(8, $runs[0]);
        self::assertCount(1, array_unique(array_column($runs[0], 0)), 'one process');
        self::assertCount(8, array_unique(array_column($runs[0], 1)), 'eight keys');
        self::assertCount(8, array_unique(array_column($runs[0], 2)), 'eight ids');
        self::assertSame(array_column($runs[0], 2), array_column($runs[1], 2), 'the same ids in every run');
    }

    public function testAFailedTestShowsItsWorld(): void
    {
        [$code, $output] = $this->runTests(['FailingTest.php' => self::testCase('FailingTest', '
            public function testPending() {
                $world = $this->ilumaWorld();
                Product::register($world);
                $world->next(self::BANK, "PENDING_THEN_COMPLETED_FOUND");
                Product::askForAccount($world);
                $this->assertNotCount(0, $world->deliveries(state: "delivered"), "nothing was delivered");
            }
            public function testVerify() {
                $this->ilumaWorld()->verify(endpoint: self::BANK);
            }
            public function testError() {
                Product::askForAccount($this->ilumaWorld());
                throw new LogicException("by itself");
            }
            public function testOutput() {
                $this->expectOutputString("expected");
                $this->ilumaWorld("other");
                echo "expected";
                $this->fail("with output");
            }
            public function testPasses() {
                $this->ilumaWorld("of a test that passes")->verify(exactly: 0);
            }
            public function testSkipped() {
                $this->ilumaWorld("of a test that is skipped");
                $this->markTestSkipped();
            }
        ')], ['--log-junit', $this->folder() . '/junit.xml']);
        self::assertSame(2, $code, $output);
        $request = 'POST /v1.1/identity/bank_account_data_requests → 200 ';
        $summaries = explode('iluma-sandbox: ', $output);
        $pending = $summaries[1];
        self::assertStringContainsString("FailingTest::testPending\nworld ", $pending);
        self::assertStringContainsString(' at 2026-01-01T00:00:00.000Z', $pending);
        self::assertStringContainsString($request, $pending);
        self::assertStringContainsString(
            '  dlv_1  NAME_VALIDATOR_REQUEST is still pending until 2026-01-01T00:00:01.000Z, in 1s; advance the clock',
            $pending,
        );
        self::assertStringContainsString("FailingTest::testVerify\n", $summaries[2]);
        self::assertStringContainsString("FailingTest::testError\n", $summaries[3]);
        self::assertStringContainsString($request, $summaries[3]);
        self::assertStringNotContainsString('of a test that', $output);
        $failures = self::failures($output);
        self::assertSame(['testError', 'testPending', 'testVerify', 'testOutput'], array_keys($failures), $output);
        self::assertMatchesRegularExpression(
            '~^expected at least 1 request with endpoint [^\n]*\n\n/[^\n]*/FailingTest\.php:16\n*$~',
            $failures['testVerify'],
            'the first line is that of the test',
        );
        self::assertStringContainsString('LogicException: by itself', $failures['testError']);
        $report = (string) file_get_contents($this->folder() . '/junit.xml');
        self::assertStringContainsString('iluma-sandbox: FailingTest::testPending', $report);
    }

    public function testAStrictSuiteFailsATestThatLeavesSomethingUnusedAndNoTestTwice(): void
    {
        $queue = '$this->ilumaWorld()->next(self::BANK, "SERVER_ERROR");';
        [$code, $output] = $this->runTests(['StrictTest.php' => self::testCase('StrictTest', "
            protected static function ilumaFailOnUnused(): bool { return true; }
            public function testLeavesAnOutcome() { $queue \$this->addToAssertionCount(1); }
            public function testFailsByItself() { $queue \$this->fail('by itself'); }
            public function testIsSkipped() { $queue \$this->markTestSkipped(); }
            public function testIsIncomplete() { $queue \$this->markTestIncomplete(); }
            public function testLeavesNothing() { \$this->ilumaWorld()->verify(exactly: 0); }
            public function testWithoutAWorld() { \$this->addToAssertionCount(1); }
            public function testTheOtherWorldCountsToo() {
                \$this->ilumaWorld()->verify(exactly: 0);
                \$this->ilumaWorld('other')->next(self::BANK, 'SERVER_ERROR');
            }
        ")]);
        self::assertSame(1, $code, $output);
        $failures = self::failures($output);
        $failed = ['testLeavesAnOutcome', 'testFailsByItself', 'testTheOtherWorldCountsToo'];
        self::assertSame($failed, array_keys($failures), $output);
        $unused = 'the test left things unused: 1 queued outcome, 0 faults and 0 callbacks';
        self::assertStringContainsString($unused, $failures['testLeavesAnOutcome']);
        self::assertStringContainsString('outcome SERVER_ERROR is queued for v1.1', $failures['testLeavesAnOutcome']);
        self::assertStringContainsString($unused, $failures['testTheOtherWorldCountsToo']);
        self::assertStringNotContainsString($unused, $failures['testFailsByItself']);
        self::assertStringContainsString('iluma-sandbox: StrictTest::testLeavesAnOutcome', $output);
    }

    public function testASuiteThatDidNotAskForItMayLeaveThingsUnusedAndOneTestMayAsk(): void
    {
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', '
            public function testMay() {
                $this->ilumaWorld()->next(self::BANK, "SERVER_ERROR");
                $this->addToAssertionCount(1);
            }
            public function testMayNot() {
                $this->ilumaWorld()->failOnUnused()->next(self::BANK, "SERVER_ERROR");
                $this->addToAssertionCount(1);
            }
        ')]);
        self::assertSame(1, $code, $output);
        self::assertSame(['testMayNot'], array_keys(self::failures($output)), $output);
    }

    public function testTheWorldIsThereInSetUpAndTearDownAndEndsThen(): void
    {
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', '
            protected function setUp(): void { $this->ilumaWorld()->next(self::BANK, "SERVER_ERROR"); }
            protected function tearDown(): void { $this->ilumaWorld()->verify(status: 500); }
            public function testIt() { $this->assertSame(500, Product::askForAccount($this->ilumaWorld())->status); }
            public static function tearDownAfterClass(): void {
                self::assertSame([], Product::worldNames(static::ilumaSandbox()));
            }
        ')]);
        self::assertSame(0, $code, $output);
    }

    public function testATestThatFailsInTearDownShowsAndEndsItsWorldToo(): void
    {
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', '
            protected function tearDown(): void { $this->fail("in tearDown"); }
            public function testIt() { $this->ilumaWorld()->verify(exactly: 0); }
            public static function tearDownAfterClass(): void {
                echo json_encode(Product::worldNames(static::ilumaSandbox()));
            }
        ')]);
        self::assertSame(1, $code, $output);
        self::assertStringContainsString('in tearDown', self::failures($output)['testIt']);
        self::assertStringContainsString("iluma-sandbox: OneTest::testIt\nworld ", $output);
        self::assertStringContainsString('[]', $output);
    }

    public function testClassesWithEqualOptionsShareASandboxAndOthersDoNot(): void
    {
        $test = static fn (string $class, string $options, string $now): string => self::testCase($class, "
            protected static function ilumaSandboxOptions(): array { return $options; }
            public function testIt() {
                \$this->assertEquals(new DateTimeImmutable('$now'), \$this->ilumaWorld()->now());
                file_put_contents(__DIR__ . '/../pids', static::ilumaSandbox()->pid . PHP_EOL, FILE_APPEND);
            }");
        [$code, $output] = $this->runTests([
            'OneTest.php' => $test('OneTest', "['clock' => '2026-05-01T00:00:00Z', 'seed' => 7]", '2026-05-01T00:00:00Z'),
            'TwoTest.php' => $test('TwoTest', "['seed' => 7, 'clock' => '2026-05-01T00:00:00Z']", '2026-05-01T00:00:00Z'),
            'ThreeTest.php' => $test('ThreeTest', '[]', '2026-01-01T00:00:00Z'),
        ]);
        self::assertSame(0, $code, $output);
        $pids = file($this->folder() . '/pids');
        self::assertSame([3, 2], [count($pids), count(array_unique($pids))]);
    }

    public function testAMisspeltOptionAndASandboxThatDoesNotStartFailEveryTestAtOnce(): void
    {
        $options = static fn (string $of): string => "static function ilumaSandboxOptions(): array { return $of; }";
        $tests = 'public function testOne() { $this->ilumaWorld(); } public function testTwo() { $this->ilumaWorld(); }';
        [$code, $output] = $this->runTests([
            'OneTest.php' => self::testCase('OneTest', $options('["sed" => 7]') . $tests),
            'TwoTest.php' => self::testCase('TwoTest', $options('["binary" => "/nowhere"]') . $tests),
        ]);
        self::assertSame(2, $code, $output);
        self::assertSame(2, substr_count($output, 'unknown option `sed` of Sandbox::start: did you mean `seed`?'), $output);
        self::assertSame(2, substr_count($output, '`binary` says `/nowhere`, and no program is there'), $output);
    }

    public function testASandboxThatRunsTakesThePlaceOfOneThatWouldBeStarted(): void
    {
        $this->clearVariables('BIN');
        $sandbox = Sandbox::start(clock: '2026-06-01T00:00:00Z', args: ['--control-token', 'secret']);
        $this->setVariable('ILUMA_SANDBOX_URL', $sandbox->url);
        $this->setVariable('ILUMA_SANDBOX_CONTROL_TOKEN', 'secret');
        $this->setVariable('ILUMA_SANDBOX_BIN', '/nowhere');
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', '
            public function testIt() {
                $this->assertEquals(new DateTimeImmutable("2026-06-01T00:00:00Z"), $this->ilumaWorld()->now());
                $this->assertNull(static::ilumaSandbox()->pid);
            }
        ')]);
        self::assertSame(0, $code, $output);
        self::assertSame([], Product::worldNames($sandbox));
    }

    public function testASandboxOfTheTestsOwnIsUsed(): void
    {
        $own = 'private static ?Sandbox $own = null;
            protected static function ilumaSandbox(): Sandbox { return self::$own ??= Sandbox::start(seed: 9); }';
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', $own . '
            public function testIt() { $this->ilumaWorld()->verify(exactly: 0); }
            public function testStopped() { $this->ilumaWorld()->failOnUnused()->verify(exactly: 0); self::$own->stop(); }
        ')]);
        self::assertSame(1, $code, $output);
        $failures = self::failures($output);
        self::assertSame(['testStopped'], array_keys($failures), $output);
        self::assertStringContainsString('the sandbox was stopped before the end of the test', $failures['testStopped']);
    }

    public function testASandboxThatDiedFailsTheTestsOfItsWorlds(): void
    {
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', '
            public function testIt() {
                $this->ilumaWorld()->verify(exactly: 0);
                posix_kill(static::ilumaSandbox()->pid, SIGKILL);
            }
        ')]);
        self::assertSame(2, $code, $output);
        self::assertStringContainsString('the world of the test cannot be ended: the sandbox at http://127.0.0.1:', $output);
    }

    public function testATestInAProcessOfItsOwnHasAWorldToo(): void
    {
        [$code, $output] = $this->runTests(['OneTest.php' => self::testCase('OneTest', '
            public function testPasses() { $this->ilumaWorld()->verify(exactly: 0); }
            public function testFails() { $this->ilumaWorld()->verify(endpoint: self::BANK); }
        ')], ['--process-isolation']);
        self::assertSame(1, $code, $output);
        $failure = self::failures($output)['testFails'];
        self::assertStringContainsString('expected at least 1 request with endpoint', $failure);
        self::assertStringContainsString('iluma-sandbox: OneTest::testFails', $output);
    }

    public function testANameThatIsTooLongEndsInItsHash(): void
    {
        $long = TestWorlds::shortened(str_repeat('ü', 300));
        self::assertSame('test', TestWorlds::shortened('test'));
        self::assertSame(200, preg_match_all('/./u', $long));
        self::assertNotSame($long, TestWorlds::shortened(str_repeat('ü', 301)));
        self::assertNotSame(TestWorlds::shortened("\xff"), TestWorlds::shortened("\xfe"));
    }
}
