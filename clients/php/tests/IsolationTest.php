<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\Sandbox;

/** Processes at once on one sandbox, and none sees another's data. */
final class IsolationTest extends SandboxTestCase
{
    private const CROWD = 24;

    public function testEachTestDoesTheSameInACrowdOfProcessesAsAlone(): void
    {
        $sandbox = Sandbox::start();
        $crowded = $this->lives($sandbox, range(1, self::CROWD));
        $alone = Sandbox::start();
        foreach ($crowded as $number => $life) {
            self::assertSame($this->lives($alone, [$number]), [$number => $life]);
        }
        self::assertCount(self::CROWD, array_unique($crowded));
    }

    /**
     * Runs a life for each number, in processes of their own, which wait for each other in the middle.
     *
     * @param list<int> $numbers
     * @return array<int, string> their outputs
     */
    private function lives(Sandbox $sandbox, array $numbers): array
    {
        $running = [];
        foreach ($numbers as $number) {
            $command = [PHP_BINARY, __DIR__ . '/life.php', $sandbox->url, (string) $number];
            $process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['redirect', 1]], $pipes);
            $running[$number] = [$process, ...$pipes];
        }
        foreach ($running as [, , $output]) {
            self::assertSame("here\n", fgets($output));
        }
        foreach ($running as [, $input]) {
            fwrite($input, "go\n");
        }
        $outputs = [];
        foreach ($running as $number => [$process, , $output]) {
            $outputs[$number] = (string) stream_get_contents($output);
            self::assertSame(0, proc_close($process), $outputs[$number]);
        }
        return $outputs;
    }
}
