<?php

declare(strict_types=1);

namespace IlumaSandbox;

use PHPUnit\Util\ExcludeList;

/**
 * The worlds of one test.
 *
 * @internal
 */
final class TestWorlds
{
    /** The maximum length of a world's name. */
    private const NAME_CHARACTERS_MAX = 200;

    /** @var array<string, World> */
    private array $worlds = [];

    /** @param string $test the name of the test */
    public function __construct(private readonly string $test)
    {
        // So the first line of a stack trace is the one of the test.
        if (method_exists(ExcludeList::class, 'addDirectory')) {
            ExcludeList::addDirectory(__DIR__);
        }
    }

    /** The world with this name. The first call creates it. */
    public function world(Sandbox $sandbox, string $name, bool $failOnUnused): World
    {
        if (isset($this->worlds[$name])) {
            return $this->worlds[$name];
        }
        $full = $name === '' ? $this->test : "$this->test $name";
        // A test that runs again starts with an empty world, even if its last run was aborted and the sandbox still runs.
        $world = $sandbox->world(self::shortened($full), reset: true);
        if ($failOnUnused) {
            $world->failOnUnused();
        }
        return $this->worlds[$name] = $world;
    }

    /** Ends the worlds with their test. A test that failed already does not fail twice. */
    public function finish(bool $hasPassed, bool $hasFailed): void
    {
        $first = null;
        foreach ($this->worlds as $world) {
            try {
                self::finishOne($world, $hasPassed, $hasFailed);
            } catch (\Throwable $error) {
                $first ??= $error;
            }
        }
        $this->worlds = [];
        if ($first !== null) {
            throw $first;
        }
    }

    /** The name of a world for a test. If it is too long, or has bytes that a name cannot have, it ends with its hash. */
    public static function shortened(string $name): string
    {
        if (preg_match('/^[^\p{C}\p{Zl}\p{Zp}]*$/u', $name) !== 1) {
            $name = preg_replace('/[^\x20-\x7e]/', '?', $name) . ' ' . self::hash($name);
        }
        $characters = preg_split('//u', $name, -1, PREG_SPLIT_NO_EMPTY) ?: [];
        if (count($characters) <= self::NAME_CHARACTERS_MAX) {
            return $name;
        }
        $start = implode('', array_slice($characters, 0, self::NAME_CHARACTERS_MAX - 18));
        return "{$start}… " . self::hash($name);
    }

    private static function hash(string $text): string
    {
        return substr(hash('sha256', $text), 0, 16);
    }

    private static function finishOne(World $world, bool $hasPassed, bool $hasFailed): void
    {
        $mustBeUsed = $hasPassed && $world->failsOnUnused();
        if ($world->isStopped()) {
            if ($mustBeUsed) {
                throw new NotVerified('the sandbox was stopped before the end of the test, so nobody knows what is unused');
            }
            return;
        }
        try {
            if ($mustBeUsed) {
                $world->verifyUsed();
            }
        } catch (SandboxError $unused) {
            $hasFailed = true;
            throw $unused;
        } finally {
            if ($hasFailed) {
                self::show($world);
            }
            self::end($world, $hasFailed);
        }
    }

    /** Prints the latest requests and callbacks as the output of the test, which PHPUnit also writes into its reports. */
    private static function show(World $world): void
    {
        try {
            $summary = $world->summary();
        } catch (SandboxError $error) {
            $summary = $error->getMessage();
        }
        echo "\niluma-sandbox: $world->name\n", rtrim($summary), "\n";
    }

    private static function end(World $world, bool $hasFailed): void
    {
        try {
            $world->end();
        } catch (SandboxError $error) {
            if (!$hasFailed) {
                throw new SandboxException("the world of the test cannot be ended: {$error->getMessage()}", previous: $error);
            }
        }
    }
}
