<?php

declare(strict_types=1);

namespace IlumaSandbox;

/** A sandbox of {@see start} or {@see connect}. It stops when nothing refers to it any more, or when PHP ends. */
final class Sandbox
{
    /** The API key in the provider's documentation. Every sandbox accepts it, and everybody who uses it shares its world. */
    public const DOCUMENTED_API_KEY = 'iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw';

    /** The URL of the API: `http://127.0.0.1:34567`. */
    public readonly string $url;
    /** The certificate authority that clients must trust, if the URL is https. */
    public readonly ?string $caPem;
    /** The same as a file: `CURLOPT_CAINFO`, or `verify` of Guzzle. */
    public readonly ?string $caFile;

    private bool $isStopped = false;

    /**
     * @param string $apiKey the key of the world that exists from the start; each test should use its own `world` instead
     * @param string $callbackToken the value of `x-callback-token` in callbacks of that world
     * @param ?int $pid the process, if this object started it
     */
    private function __construct(
        private readonly Control $control,
        public readonly string $apiKey,
        public readonly string $callbackToken,
        private readonly ?SandboxProcess $process = null,
        public readonly ?int $pid = null,
    ) {
        $this->url = $control->url;
        $this->caPem = $control->authority?->pem;
        $this->caFile = $control->authority?->file;
    }

    /**
     * Starts a sandbox and returns when it is ready.
     *
     * `seed`, `clock`, `scenarios` (a folder, or several), `strict` and `bind` are the flags of `iluma-sandbox serve`, and `args`
     * takes any others: `args: ['--callback-retries', 'none']`. `tls` serves HTTPS, with its own certificate authority. Only
     * `caPem` and `caFile` have its certificate. `logFormat: 'pretty'` logs to stderr, or at the end of `logFile`.
     *
     * @param string|list<string> $scenarios
     * @param int $port 0 is a free port
     * @param list<string> $args
     * @throws SandboxException with the sandbox's error if it does not start
     */
    public static function start(
        ?int $seed = null,
        ?string $clock = null,
        string|array $scenarios = [],
        bool $strict = false,
        bool $tls = false,
        string $bind = '127.0.0.1',
        int $port = 0,
        array $args = [],
        ?string $binary = null,
        string $logFormat = 'off',
        ?string $logFile = null,
        float $timeoutS = 30.0,
        mixed ...$unknown,
    ): self {
        Options::refuse(__METHOD__, $unknown);
        $flags = ['--bind', $bind, '--port', (string) $port, '--log-format', $logFormat];
        if ($seed !== null) {
            array_push($flags, '--seed', (string) $seed);
        }
        if ($clock !== null) {
            array_push($flags, '--clock', $clock);
        }
        foreach ((array) $scenarios as $folder) {
            array_push($flags, '--scenarios', $folder);
        }
        if ($strict) {
            $flags[] = '--strict';
        }
        $authorityFolder = $tls ? new TemporaryFolder('iluma-sandbox-ca-') : null;
        if ($authorityFolder !== null) {
            array_push($flags, '--tls', '--ca-dir', $authorityFolder->path);
        }
        $log = self::log($logFormat, $logFile);
        $process = new SandboxProcess(Binary::find($binary), [...$flags, ...array_values($args)], $log, $timeoutS);
        $ready = $process->ready;
        $authority = isset($ready['ca_file']) ? Authority::ofFile($ready['ca_file']) : null;
        $control = new Control($ready['url'], null, $ready['control_token'] ?? null, $authority);
        return new self($control, $ready['api_key'], $ready['callback_token'], $process, $process->pid);
    }

    /**
     * Connects to a running sandbox, such as a sidecar in CI. {@see stop} does not stop it.
     *
     * The defaults are the variables that the commands of the sandbox read: `ILUMA_SANDBOX_URL`, `ILUMA_SANDBOX_API_KEY` (else
     * the key of the documentation), `ILUMA_SANDBOX_CONTROL_TOKEN` and the file `ILUMA_SANDBOX_CA_FILE`. The container image
     * always requires a token.
     */
    public static function connect(
        ?string $url = null,
        ?string $apiKey = null,
        ?string $controlToken = null,
        ?string $caPem = null,
        mixed ...$unknown,
    ): self {
        Options::refuse(__METHOD__, $unknown);
        $url = rtrim($url ?: self::variable('ILUMA_SANDBOX_URL') ?? '', '/');
        if ($url === '') {
            throw new SandboxException('no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`');
        }
        if (preg_match('~^https?://.~', $url) === 0) {
            throw new SandboxException("the URL of a sandbox begins with http:// or https://, and not `$url`");
        }
        $apiKey = $apiKey ?: self::variable('ILUMA_SANDBOX_API_KEY') ?? self::DOCUMENTED_API_KEY;
        $controlToken = $controlToken ?: self::variable('ILUMA_SANDBOX_CONTROL_TOKEN');
        $caFile = self::variable('ILUMA_SANDBOX_CA_FILE');
        $authority = match (true) {
            $caPem !== null => Authority::ofText($caPem),
            $caFile !== null => Authority::ofFile($caFile),
            default => null,
        };
        $control = new Control($url, null, $controlToken, $authority);
        try {
            $secrets = $control->withKey($apiKey)->fields('callback_token', 'GET', 'world');
        } catch (SandboxError $refused) {
            throw Refusal::namingTheToken($refused);
        }
        return new self($control, $apiKey, $secrets['callback_token']);
    }

    /**
     * Creates a world with its own records, counters, callbacks, clock, faults and journal.
     *
     * The key is derived from the seed and the name, so a test that passes its name gets the same ids in every run. A name in use
     * is a {@see SandboxException} (409), unless `reset` empties that world.
     */
    public function world(?string $name = null, bool $reset = false, mixed ...$unknown): World
    {
        Options::refuse(__METHOD__, $unknown);
        try {
            $created = $this->control->fields('api_key', 'POST', 'worlds', [], Wire::given(['name' => $name, 'reset' => $reset]));
        } catch (SandboxError $refused) {
            throw Refusal::namingTheToken($refused);
        }
        return new World($this, $this->control, $created);
    }

    /**
     * A call of the control API that belongs to no world: `call('GET', 'coverage')`.
     *
     * @param array<string, mixed> $query
     * @param array<string, mixed>|string|null $body a text is JSON already
     * @param bool $decode false returns the text of the answer
     * @return mixed JSON as arrays, or a text
     */
    public function call(
        string $method,
        string $path,
        array $query = [],
        array|string|null $body = null,
        bool $decode = true,
    ): mixed {
        return $this->control->call($method, $path, $query, $body, $decode);
    }

    /** Stops the sandbox of {@see start}. A second call does nothing. */
    public function stop(): void
    {
        if ($this->process !== null) {
            $this->isStopped = true;
            $this->process->stop();
        }
    }

    /** @internal */
    public function isStopped(): bool
    {
        return $this->isStopped;
    }

    /**
     * The value of a variable. An empty one counts as not set, as in the commands.
     *
     * @internal
     */
    public static function variable(string $name): ?string
    {
        $value = getenv($name);
        return is_string($value) && $value !== '' ? $value : null;
    }

    /**
     * The file for the output of the sandbox. Without a log, only errors of the start are written, and they are kept.
     *
     * @return resource
     */
    private static function log(string $format, ?string $file)
    {
        $log = match (true) {
            $file !== null => @fopen($file, 'a'),
            $format === 'off' => tmpfile(),
            default => fopen('php://stderr', 'w'),
        };
        if ($log === false) {
            throw new SandboxException('cannot open the log file: ' . (error_get_last()['message'] ?? 'unknown error'));
        }
        return $log;
    }
}
