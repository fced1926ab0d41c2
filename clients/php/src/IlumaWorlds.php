<?php

declare(strict_types=1);

namespace IlumaSandbox;

use PHPUnit\Framework\Attributes\After;
use PHPUnit\Framework\IncompleteTest;
use PHPUnit\Framework\SkippedTest;
use PHPUnit\Framework\TestCase;
use PHPUnit\Runner\BaseTestRunner;

/**
 * A trait for a `TestCase` of PHPUnit: one sandbox for all tests of a process, and a separate world for each test.
 *
 * Override `ilumaSandboxOptions`, `ilumaFailOnUnused` or `ilumaSandbox` in the class that uses the trait.
 */
trait IlumaWorlds
{
    private ?TestWorlds $ilumaWorlds = null;

    /**
     * The arguments of {@see Sandbox::start}. Test classes with equal options share one sandbox. A sandbox that runs already
     * (`ILUMA_SANDBOX_URL`) has its own.
     *
     * @return array<string, mixed>
     */
    protected static function ilumaSandboxOptions(): array
    {
        return [];
    }

    /** Whether a test fails that leaves something unused in its world, as {@see World::verifyUsed} says. */
    protected static function ilumaFailOnUnused(): bool
    {
        return false;
    }

    /** The sandbox of the tests. If `ILUMA_SANDBOX_URL` is set, it is the one that runs there; else it is started. */
    protected static function ilumaSandbox(): Sandbox
    {
        return SharedSandboxes::sandbox(static::ilumaSandboxOptions());
    }

    /**
     * The world of this test. The first call creates it, and it ends with the test.
     *
     * Its name is that of the class and the test, so the test gets the same ids in every run. With `name`, it is another world.
     */
    protected function ilumaWorld(string $name = ''): World
    {
        $this->ilumaWorlds ??= new TestWorlds($this->ilumaTestName());
        return $this->ilumaWorlds->world(static::ilumaSandbox(), $name, static::ilumaFailOnUnused());
    }

    /**
     * PHPUnit 9 reads the annotation, and later ones read the attribute. Both call this after `tearDown`.
     *
     * @after
     * @internal
     */
    #[After]
    protected function endIlumaWorlds(): void
    {
        $this->finishIlumaWorlds(...$this->ilumaTestResult());
    }

    /** If `tearDown` throws, PHPUnit calls only this method. Mockery does that for an expectation that was not met. */
    protected function onNotSuccessfulTest(\Throwable $t): never
    {
        $this->finishIlumaWorlds(hasPassed: false, hasFailed: !$t instanceof SkippedTest && !$t instanceof IncompleteTest);
        parent::onNotSuccessfulTest($t);
    }

    private function finishIlumaWorlds(bool $hasPassed, bool $hasFailed): void
    {
        $worlds = $this->ilumaWorlds;
        $this->ilumaWorlds = null;
        $worlds?->finish($hasPassed, $hasFailed);
    }

    private function ilumaTestName(): string
    {
        $test = method_exists(TestCase::class, 'nameWithDataSet') ? $this->nameWithDataSet() : $this->getName(); // PHPUnit 10, 9
        return static::class . '::' . $test;
    }

    /** @return array{bool, bool} whether the test has passed, and whether it has failed */
    private function ilumaTestResult(): array
    {
        if (method_exists(TestCase::class, 'status')) { // since PHPUnit 10
            return [$this->status()->isSuccess(), $this->status()->isFailure() || $this->status()->isError()];
        }
        $status = $this->getStatus();
        return [
            $status === BaseTestRunner::STATUS_PASSED,
            in_array($status, [BaseTestRunner::STATUS_FAILURE, BaseTestRunner::STATUS_ERROR], true),
        ];
    }
}
