<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\IlumaWorlds;
use IlumaSandbox\NotVerified;
use IlumaSandbox\Sandbox;
use PHPUnit\Framework\TestCase;

abstract class SandboxTestCase extends TestCase
{
    use IlumaWorlds;

    private const VARIABLES = ['URL', 'API_KEY', 'CONTROL_TOKEN', 'CA_FILE', 'BIN'];

    /** @var array<string, string|false> the variables before the test changed them */
    private array $variables = [];
    private ?string $folder = null;

    protected function tearDown(): void
    {
        foreach ($this->variables as $name => $value) {
            putenv($value === false ? $name : "$name=$value");
        }
        if ($this->folder !== null) {
            $files = new \RecursiveDirectoryIterator($this->folder, \FilesystemIterator::SKIP_DOTS);
            foreach (new \RecursiveIteratorIterator($files, \RecursiveIteratorIterator::CHILD_FIRST) as $file) {
                $file->isDir() ? rmdir($file->getPathname()) : unlink($file->getPathname());
            }
            rmdir($this->folder);
        }
    }

    /** Sets a variable for the rest of the test. */
    protected function setVariable(string $name, string $value): void
    {
        $this->variables[$name] ??= getenv($name);
        putenv("$name=$value");
    }

    /** Clears the variables of the client for the rest of the test. */
    protected function clearVariables(string ...$except): void
    {
        foreach (array_diff(self::VARIABLES, $except) as $name) {
            $this->setVariable("ILUMA_SANDBOX_$name", '');
        }
    }

    /** A folder for the test. */
    protected function folder(): string
    {
        if ($this->folder === null) {
            $this->folder = sys_get_temp_dir() . '/iluma-tests-' . bin2hex(random_bytes(8));
            mkdir($this->folder);
        }
        return $this->folder;
    }

    /** A file in the folder of the test. */
    protected function file(string $name, string $text, int $mode = 0644): string
    {
        $path = $this->folder() . "/$name";
        if (!is_dir(dirname($path))) {
            mkdir(dirname($path), recursive: true);
        }
        file_put_contents($path, $text);
        chmod($path, $mode);
        return $path;
    }

    /** A program that ends at once. */
    protected function program(string $name): string
    {
        return $this->file($name, "#!/bin/sh\necho 'this is another program' >&2\n", 0755);
    }

    /**
     * The error of a call that must fail.
     *
     * @template T of \Throwable
     * @param class-string<T> $type
     * @return T
     */
    protected function failure(string $type, callable $call): \Throwable
    {
        try {
            $call();
        } catch (\Throwable $error) {
            self::assertInstanceOf($type, $error, (string) $error);
            return $error;
        }
        self::fail("there was no $type");
    }

    protected function notVerified(callable $call): string
    {
        return $this->failure(NotVerified::class, $call)->getMessage();
    }

    /** The message of a sandbox that does not start. */
    protected function startError(mixed ...$options): string
    {
        return $this->failure(\IlumaSandbox\SandboxException::class, static fn () => Sandbox::start(...$options))->getMessage();
    }

    /**
     * Runs a PHP script in a process of its own.
     *
     * @param list<string> $arguments
     * @return array{int, string} its exit code, and its output with errors
     */
    protected function runPhp(array $arguments, ?string $in = null): array
    {
        $process = proc_open([PHP_BINARY, ...$arguments], [['null'], ['pipe', 'w'], ['redirect', 1]], $pipes, $in);
        $output = (string) stream_get_contents($pipes[1]);
        return [proc_close($process), $output];
    }

    /**
     * Runs PHPUnit on test files in a process of its own.
     *
     * @param array<string, string> $files their text, without the opening tag
     * @param list<string> $flags
     * @return array{int, string} its exit code, and its output with errors
     */
    protected function runTests(array $files, array $flags = []): array
    {
        foreach ($files as $name => $text) {
            $this->file("suite/$name", "<?php\n$text");
        }
        $phpunit = $_SERVER['argv'][0]; // the one that runs now
        $bootstrap = __DIR__ . '/bootstrap.php';
        $command = [$phpunit, '--no-configuration', '--bootstrap', $bootstrap, ...$flags, $this->folder() . '/suite'];
        return $this->runPhp($command, $this->folder());
    }
}
