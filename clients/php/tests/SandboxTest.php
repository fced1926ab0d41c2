<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\NotVerified;
use IlumaSandbox\Sandbox;
use IlumaSandbox\SandboxError;
use IlumaSandbox\SandboxException;

/** How a sandbox is found, started and ended. */
final class SandboxTest extends SandboxTestCase
{
    public function testASandboxAnswersUntilItIsStopped(): void
    {
        $sandbox = Sandbox::start();
        self::assertSame(Sandbox::DOCUMENTED_API_KEY, $sandbox->apiKey);
        self::assertSame(['status' => 'alive'], $sandbox->call('GET', 'livez'));
        $sandbox->stop();
        $error = $this->failure(SandboxException::class, static fn () => $sandbox->call('GET', 'livez'));
        self::assertStringContainsString("the sandbox at $sandbox->url does not answer: ", $error->getMessage());
        self::assertSame([null, null, []], [$error->status(), $error->error(), $error->answer()]);
        $sandbox->stop();
    }

    public function testASandboxRunsAsLongAsOneOfItsWorldsIsUsed(): void
    {
        $world = Sandbox::start()->world('the only reference');
        self::assertSame(200, Product::askForAccount($world)->status);
    }

    public function testSeedClockAndScenariosAreThoseOfTheOptions(): void
    {
        $greetings = "path = \"/v9/greetings\"\n[outcomes.HELLO]\ndefault = true\nbody = { said = \"{{input.name}}\" }\n";
        $this->file('scenarios/v9/greetings.toml', $greetings);
        $folder = $this->folder() . '/scenarios';
        $world = Sandbox::start(seed: 7, clock: '2026-02-01T00:00:00Z', scenarios: $folder)->world('test');
        self::assertEquals(new \DateTimeImmutable('2026-02-01T00:00:00Z'), $world->now());
        self::assertSame(['said' => 'Contoh'], Product::ask($world, '/v9/greetings', ['name' => 'Contoh'])->json());
        self::assertNotSame(Sandbox::start(scenarios: [$folder])->world('test')->apiKey, $world->apiKey, 'another seed');
    }

    public function testStrictAndOtherFlagsArePassedOn(): void
    {
        $sandbox = Sandbox::start(strict: true, args: ['--api-key', Sandbox::DOCUMENTED_API_KEY]);
        $reply = Product::ask($sandbox->world(), '/v1/credit/drawdowns', Product::account('1234567890'));
        self::assertSame('STRICT_MODE_ERROR', $reply->json()['error_code']);
    }

    public function testASandboxSpeaksHttpsToThoseWhoTrustItsAuthority(): void
    {
        $this->clearVariables('BIN');
        $sandbox = Sandbox::start(tls: true);
        self::assertStringStartsWith('https://127.0.0.1:', $sandbox->url);
        $world = $sandbox->world();
        self::assertSame(200, Product::askForAccount($world)->status);
        self::assertCount(1, $world->requests());
        self::assertSame($sandbox->caPem, file_get_contents($world->caFile));
        $mistrust = $this->failure(SandboxException::class, static fn () => Sandbox::connect($sandbox->url));
        self::assertStringContainsStringIgnoringCase('certificate', $mistrust->getMessage());
        self::assertSame($sandbox->callbackToken, Sandbox::connect($sandbox->url, caPem: $sandbox->caPem)->callbackToken);
        $this->setVariable('ILUMA_SANDBOX_CA_FILE', $sandbox->caFile);
        self::assertSame($sandbox->callbackToken, Sandbox::connect($sandbox->url)->callbackToken);
        $text = $this->failure(SandboxException::class, static fn () => Sandbox::connect($sandbox->url, caPem: 'text'));
        self::assertStringContainsString('no certificate in the form of PEM', $text->getMessage());
        $this->setVariable('ILUMA_SANDBOX_CA_FILE', '/nowhere/ca.pem');
        $nowhere = $this->failure(SandboxException::class, static fn () => Sandbox::connect($sandbox->url));
        self::assertSame('cannot read the certificate authority of the sandbox: `/nowhere/ca.pem`', $nowhere->getMessage());
        $file = $sandbox->caFile;
        unset($sandbox, $world);
        self::assertFileDoesNotExist($file);
    }

    public function testASandboxThatDoesNotStartSaysWhy(): void
    {
        $broken = dirname($this->file('broken/broken.toml', "path = 7\n"));
        $message = $this->startError(scenarios: $broken);
        self::assertMatchesRegularExpression(
            '/^the sandbox did not start, exit code 2:\n.*broken\.toml.*correct the scenario files/s',
            $message,
        );
        $first = Sandbox::start();
        $port = (int) parse_url($first->url, PHP_URL_PORT);
        $message = $this->startError(port: $port);
        self::assertMatchesRegularExpression("/^the sandbox did not start, exit code 1:\\n.*$port/s", $message);
        self::assertMatchesRegularExpression('/exit code 2:\n.*--seed/s', $this->startError(args: ['--sed', '7']));
    }

    public function testASandboxThatIsNeverReadyIsStopped(): void
    {
        $sleeper = $this->file('sleeper', "#!/bin/sh\necho \$\$ >" . $this->folder() . "/pid\nexec sleep 100\n", 0755);
        self::assertSame('the sandbox was not ready within 1.5 s', $this->startError(binary: $sleeper, timeoutS: 1.5));
        self::assertFileDoesNotExist('/proc/' . trim((string) file_get_contents($this->folder() . '/pid')));
    }

    public function testAProgramThatIsNoSandboxIsSaidToHaveEnded(): void
    {
        $message = $this->startError(binary: $this->program('another'));
        self::assertSame("the sandbox did not start, exit code 0:\nthis is another program", $message);
        $broken = $this->file('broken', "#!/nowhere\n", 0755);
        self::assertSame("cannot start $broken: the system cannot execute it", $this->startError(binary: $broken));
    }

    public function testALogIsWrittenAtTheEndOfAFile(): void
    {
        $log = $this->file('sandbox.log', "before\n");
        $sandbox = Sandbox::start(logFormat: 'json', logFile: $log);
        Product::askForAccount($sandbox->world());
        $sandbox->stop();
        self::assertStringStartsWith("before\n{", (string) file_get_contents($log));
        self::assertStringContainsString('"message":"answered"', (string) file_get_contents($log));
        $message = $this->startError(logFile: $this->folder() . '/nowhere/log');
        self::assertStringContainsString('cannot open the log file: ', $message);
    }

    public function testABinaryThatIsNamedIsThatOneOrAnError(): void
    {
        $this->clearVariables();
        self::assertSame('`binary` says `/nowhere`, and no program is there', $this->startError(binary: '/nowhere'));
        $this->setVariable('ILUMA_SANDBOX_BIN', '/nowhere');
        self::assertSame('`ILUMA_SANDBOX_BIN` says `/nowhere`, and no program is there', $this->startError());
        $this->setVariable('ILUMA_SANDBOX_BIN', 'target/nowhere');
        self::assertSame(
            '`ILUMA_SANDBOX_BIN` says `target/nowhere`, and no program is there (this is ' . getcwd() . '/target/nowhere)',
            $this->startError(),
        );
        $this->setVariable('ILUMA_SANDBOX_BIN', $this->program('mine'));
        self::assertStringContainsString('this is another program', $this->startError());
    }

    public function testABinaryIsFoundOnPathOrTheErrorNamesTheVariableAndPath(): void
    {
        $this->clearVariables();
        $this->program('iluma-sandbox');
        $this->setVariable('PATH', $this->folder() . PATH_SEPARATOR . getenv('PATH'));
        self::assertStringContainsString('this is another program', $this->startError());
        $this->setVariable('PATH', '/nowhere');
        self::assertSame(
            'no `iluma-sandbox` found: it is not on PATH, and ILUMA_SANDBOX_BIN is not set; `cargo install --path .` in the '
            . 'repository of the sandbox puts it on PATH, or set ILUMA_SANDBOX_BIN to its path',
            $this->startError(),
        );
    }

    public function testARunningSandboxIsSharedAndLeftAlone(): void
    {
        $this->clearVariables('BIN');
        $sandbox = Sandbox::start();
        $same = Sandbox::connect("$sandbox->url/");
        self::assertNull($same->pid);
        self::assertSame($sandbox->callbackToken, $same->callbackToken);
        self::assertSame(200, Product::askForAccount($same->world('shared'))->status);
        $same->stop();
        self::assertSame(['status' => 'alive'], $sandbox->call('GET', 'livez'));
    }

    public function testTheEnvironmentSaysWhichSandboxIsConnectedToAsForTheCommands(): void
    {
        $nameTheToken = '. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`';
        $this->clearVariables('BIN');
        $this->setVariable('ILUMA_BASE_URL', 'https://api.iluma.ai');
        $none = $this->failure(SandboxException::class, static fn () => Sandbox::connect());
        self::assertSame('no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`', $none->getMessage());
        $host = $this->failure(SandboxException::class, static fn () => Sandbox::connect('localhost:4586'));
        self::assertSame(
            'the URL of a sandbox begins with http:// or https://, and not `localhost:4586`',
            $host->getMessage(),
        );
        $sandbox = Sandbox::start(args: ['--control-token', 'secret-of-the-tests']);
        self::assertCount(0, $sandbox->world()->requests());
        $this->setVariable('ILUMA_SANDBOX_URL', $sandbox->url);
        $missing = $this->failure(SandboxException::class, static fn () => Sandbox::connect());
        self::assertStringEndsWith($nameTheToken, $missing->getMessage());
        $wrong = $this->failure(SandboxException::class, static fn () => Sandbox::connect(controlToken: 'another'));
        self::assertStringEndsWith($nameTheToken, $wrong->getMessage());
        self::assertSame([401, 'wrong_control_token'], [$wrong->status(), $wrong->error()]);
        $this->setVariable('ILUMA_SANDBOX_CONTROL_TOKEN', 'secret-of-the-tests');
        $same = Sandbox::connect();
        self::assertSame([$sandbox->url, $sandbox->callbackToken], [$same->url, $same->callbackToken]);
        self::assertCount(0, $same->world('by environment')->requests());
    }

    public function testAnotherServerIsSaidToBeNoSandbox(): void
    {
        $this->clearVariables();
        $this->file('index.php', '<?php header("content-type: application/json"); echo "[\"another\"]";');
        $command = [PHP_BINARY, '-S', '127.0.0.1:0', '-t', $this->folder(), $this->folder() . '/index.php'];
        $server = proc_open($command, [['null'], ['null'], ['pipe', 'w']], $pipes);
        try {
            self::assertSame(1, preg_match('~\((http://127\.0\.0\.1:[0-9]+)\)~', (string) fgets($pipes[2]), $found));
            $error = $this->failure(SandboxException::class, static fn () => Sandbox::connect($found[1]));
            self::assertSame(
                "$found[1] answered GET /__sandbox/world with something else than a sandbox: no `callback_token`: [\"another\"]",
                $error->getMessage(),
            );
        } finally {
            proc_terminate($server);
        }
    }

    public function testAProxyOfTheEnvironmentIsNotUsed(): void
    {
        $this->setVariable('http_proxy', 'http://127.0.0.1:9');
        $this->setVariable('all_proxy', 'http://127.0.0.1:9');
        self::assertSame(['status' => 'alive'], static::ilumaSandbox()->call('GET', 'livez'));
    }

    public function testAnErrorKeepsItsFactsWhenItIsSerialized(): void
    {
        // PHPUnit does this with errors of a test in a process of its own.
        $error = unserialize(serialize(new NotVerified('late', 408, ['error' => 'too_late'])));
        self::assertInstanceOf(SandboxError::class, $error);
        self::assertSame(['late', 408, 'too_late'], [$error->getMessage(), $error->status(), $error->error()]);
    }

    /** @return array<string, array{string, string}> */
    public static function ends(): array
    {
        return [
            'the end of the script' => ['', ''],
            'exit' => ['exit(3);', ''],
            'an exception' => ['throw new Exception("by itself");', 'by itself'],
            'a fatal error' => ['ini_set("memory_limit", "4M"); str_repeat("x", 100_000_000);', 'Allowed memory size'],
            'SIGKILL' => ['posix_kill(getmypid(), SIGKILL);', ''],
            'a forked process that ends first' => [
                '$child = pcntl_fork(); if ($child === 0) { exit; } pcntl_waitpid($child, $status);'
                . 'echo $sandbox->call("GET", "livez")["status"], "\n";',
                'alive',
            ],
        ];
    }

    /**
     * The stderr of the script is that of its sandbox too. So the output ends with the last of both processes.
     *
     * @dataProvider ends
     */
    #[\PHPUnit\Framework\Attributes\DataProvider('ends')]
    public function testTheSandboxEndsWithItsProcessAndLeavesNoFiles(string $end, string $printed): void
    {
        $script = $this->file('script.php', '<?php require ' . var_export(__DIR__ . '/bootstrap.php', true) . ';
            $sandbox = IlumaSandbox\Sandbox::start(tls: true, logFormat: "json");
            echo $sandbox->call("GET", "livez")["status"], " ", $sandbox->pid, "\n";
            ' . $end);
        mkdir($this->folder() . '/temporary');
        $this->setVariable('TMPDIR', $this->folder() . '/temporary');
        $started = microtime(true);
        [, $output] = $this->runPhp([$script]);
        self::assertMatchesRegularExpression('/^alive ([0-9]+)$/m', $output);
        self::assertStringContainsString($printed, $output);
        self::assertLessThan(10.0, microtime(true) - $started);
        if ($end !== 'posix_kill(getmypid(), SIGKILL);') {
            self::assertSame([], array_diff(scandir($this->folder() . '/temporary') ?: [], ['.', '..']));
        }
    }
}
