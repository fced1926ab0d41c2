<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * Finds the sandbox's binary.
 *
 * @internal
 */
final class Binary
{
    private const VARIABLE = 'ILUMA_SANDBOX_BIN';

    /**
     * The first of these: the given binary, ILUMA_SANDBOX_BIN, the one on PATH.
     *
     * If a given binary does not exist, that is an error; no other is used.
     */
    public static function find(?string $binary): string
    {
        foreach (['`binary`' => $binary, '`' . self::VARIABLE . '`' => Sandbox::variable(self::VARIABLE)] as $how => $named) {
            if ($named !== null) {
                return self::program($named)
                    ?? throw new SandboxException("$how says `$named`, and no program is there" . self::lookedIn($named));
            }
        }
        return self::program('iluma-sandbox') ?? throw new SandboxException(
            'no `iluma-sandbox` found: it is not on PATH, and ' . self::VARIABLE . ' is not set; `cargo install --path .` in the '
            . 'repository of the sandbox puts it on PATH, or set ' . self::VARIABLE . ' to its path',
        );
    }

    /** A program with this path, or with this name on PATH. */
    private static function program(string $name): ?string
    {
        if (self::isPath($name)) {
            return self::isProgram($name) ? $name : null;
        }
        $name .= PHP_OS_FAMILY === 'Windows' && !str_ends_with($name, '.exe') ? '.exe' : '';
        foreach (explode(PATH_SEPARATOR, (string) getenv('PATH')) as $folder) {
            $path = $folder . DIRECTORY_SEPARATOR . $name;
            if ($folder !== '' && self::isProgram($path)) {
                return $path;
            }
        }
        return null;
    }

    private static function isProgram(string $path): bool
    {
        return is_file($path) && is_executable($path);
    }

    private static function isPath(string $name): bool
    {
        return strpbrk($name, '/\\') !== false;
    }

    /** A relative path begins at the folder in which the tests run, which is often another one than expected. */
    private static function lookedIn(string $name): string
    {
        $isRelative = self::isPath($name) && preg_match('~^(/|\\\\|[A-Za-z]:)~', $name) === 0;
        return $isRelative ? ' (this is ' . getcwd() . DIRECTORY_SEPARATOR . "$name)" : '';
    }
}
