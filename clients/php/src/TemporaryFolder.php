<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * A new folder, until this object or the process ends. A forked process does not remove it.
 *
 * @internal
 */
final class TemporaryFolder
{
    public readonly string $path;
    private readonly int $owner;

    public function __construct(string $prefix)
    {
        $this->owner = (int) getmypid();
        $this->path = sys_get_temp_dir() . DIRECTORY_SEPARATOR . $prefix . bin2hex(random_bytes(8));
        if (!@mkdir($this->path, 0700)) {
            throw new SandboxException("cannot make the folder $this->path: " . (error_get_last()['message'] ?? 'unknown error'));
        }
        AtEnd::call($this, static fn (self $folder) => $folder->remove());
    }

    public function __destruct()
    {
        $this->remove();
    }

    public function remove(): void
    {
        if ($this->owner !== getmypid() || !is_dir($this->path)) {
            return;
        }
        foreach (array_diff(scandir($this->path) ?: [], ['.', '..']) as $name) {
            @unlink("$this->path/$name");
        }
        @rmdir($this->path);
    }
}
