<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * Runs the sandbox as a process: from the ready file to its end.
 *
 * Its standard input is a pipe that nobody writes to. However this process ends, the pipe is closed, and `--exit-with-parent`
 * stops the sandbox.
 *
 * @internal
 */
final class SandboxProcess
{
    /** The pause between two looks for the ready file. The sandbox needs a few milliseconds to write it. */
    private const LOOK_US = 5_000;
    /** How long a sandbox may take to stop before it is killed. */
    private const STOP_S = 10.0;
    /** The exit code of PHP's child process if it cannot become the program. */
    private const NOT_EXECUTED = 127;

    /** @var array<string, mixed> the content of the ready file */
    public readonly array $ready;
    public readonly int $pid;

    /** @var resource */
    private $process;
    /** @var resource */
    private $input;
    /** The exit code. PHP before 8.3 tells it only once. */
    private ?int $exitCode = null;
    private readonly int $owner;

    /**
     * @param list<string> $flags
     * @param resource $stderr a file, which nobody has to read
     */
    public function __construct(private readonly string $binary, array $flags, private $stderr, float $timeoutS)
    {
        $this->owner = (int) getmypid();
        $folder = new TemporaryFolder('iluma-sandbox-');
        $readyFile = $folder->path . DIRECTORY_SEPARATOR . 'ready.json';
        $command = [$binary, 'serve', ...$flags, '--ready-file', $readyFile, '--exit-with-parent'];
        $process = @proc_open($command, [['pipe', 'r'], ['null'], $stderr], $pipes);
        if ($process === false) {
            throw new SandboxException("cannot start $binary: " . (error_get_last()['message'] ?? 'unknown error'));
        }
        $this->process = $process;
        $this->input = $pipes[0];
        $this->pid = $this->status()['pid'];
        AtEnd::call($this, static fn (self $running) => $running->stop());
        try {
            $this->ready = $this->untilReady($readyFile, $timeoutS);
        } catch (\Throwable $error) {
            $this->stop();
            throw $error;
        }
    }

    public function __destruct()
    {
        $this->stop();
    }

    /** Stops the sandbox, first gently. Does nothing if it has ended, and in a forked process, to which it does not belong. */
    public function stop(): void
    {
        if ($this->owner !== getmypid()) {
            return;
        }
        if (is_resource($this->input)) {
            fclose($this->input);
        }
        if ($this->isRunning() && PHP_OS_FAMILY !== 'Windows') { // there, closing its input is the gentle way
            proc_terminate($this->process);
        }
        $kill = microtime(true) + self::STOP_S;
        while ($this->isRunning()) {
            if (microtime(true) > $kill) {
                proc_terminate($this->process, 9);
            }
            usleep(self::LOOK_US);
        }
    }

    private function isRunning(): bool
    {
        return $this->exitCode === null && $this->status()['running'];
    }

    /** @return array{pid: int, running: bool, signaled: bool, exitcode: int, termsig: int} */
    private function status(): array
    {
        $status = proc_get_status($this->process);
        if (!$status['running']) {
            $this->exitCode ??= $status['signaled'] ? -$status['termsig'] : $status['exitcode'];
        }
        return $status;
    }

    /** @return array<string, mixed> */
    private function untilReady(string $file, float $timeoutS): array
    {
        $giveUp = microtime(true) + $timeoutS;
        while (true) {
            $isRunning = $this->isRunning();
            clearstatcache(true, $file);
            if (is_file($file)) { // it appears whole
                return json_decode((string) file_get_contents($file), true, 512, JSON_THROW_ON_ERROR);
            }
            if (!$isRunning) {
                throw new SandboxException($this->whyItEnded());
            }
            if (microtime(true) > $giveUp) {
                throw new SandboxException("the sandbox was not ready within $timeoutS s" . $this->errors());
            }
            usleep(self::LOOK_US);
        }
    }

    private function whyItEnded(): string
    {
        $errors = $this->errors();
        if ($this->exitCode === self::NOT_EXECUTED && $errors === '') {
            return "cannot start $this->binary: the system cannot execute it";
        }
        return "the sandbox did not start, exit code $this->exitCode" . $errors;
    }

    /** What the sandbox has written, if it is in a file of this object. */
    private function errors(): string
    {
        if (!str_contains(stream_get_meta_data($this->stderr)['mode'], '+')) {
            return '';
        }
        rewind($this->stderr);
        $text = trim((string) stream_get_contents($this->stderr));
        return $text === '' ? '' : ":\n$text";
    }
}
