<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * The certificate authority of a sandbox that serves HTTPS. PHP's clients read it from a file.
 *
 * @internal
 */
final class Authority
{
    /** @param TemporaryFolder $folder the file is in it, so both go together */
    private function __construct(
        public readonly string $pem,
        public readonly string $file,
        private readonly TemporaryFolder $folder,
    ) {
    }

    /** The authority in this text, in a file of its own. */
    public static function ofText(string $pem): self
    {
        if (!str_contains($pem, '-----BEGIN CERTIFICATE-----')) {
            throw new SandboxException('the certificate authority of the sandbox is no certificate in the form of PEM');
        }
        $folder = new TemporaryFolder('iluma-sandbox-ca-');
        $file = "$folder->path/ca.pem";
        file_put_contents($file, $pem);
        return new self($pem, $file, $folder);
    }

    public static function ofFile(string $file): self
    {
        $pem = @file_get_contents($file);
        if ($pem === false) {
            throw new SandboxException("cannot read the certificate authority of the sandbox: `$file`");
        }
        return self::ofText($pem);
    }
}
