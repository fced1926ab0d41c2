<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * The sandboxes of this process: one for all test classes with equal options.
 *
 * @internal
 */
final class SharedSandboxes
{
    /** @var array<string, Sandbox|SandboxException> */
    private static array $opened = [];

    /**
     * The sandbox at ILUMA_SANDBOX_URL if that is set, and else one that is started. If it cannot be opened, every test gets the
     * same error at once.
     *
     * @param array<string, mixed> $options the arguments of {@see Sandbox::start}
     */
    public static function sandbox(array $options): Sandbox
    {
        $url = Sandbox::variable('ILUMA_SANDBOX_URL');
        ksort($options);
        $sandbox = self::$opened[$url ?? serialize($options)] ??= self::open($url, $options);
        return $sandbox instanceof Sandbox ? $sandbox : throw $sandbox;
    }

    /** @param array<string, mixed> $options */
    private static function open(?string $url, array $options): Sandbox|SandboxException
    {
        try {
            return $url === null ? Sandbox::start(...$options) : Sandbox::connect($url);
        } catch (SandboxException $error) {
            return $error;
        }
    }
}
