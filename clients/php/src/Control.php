<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * A client for the control API of a sandbox: for one world or, without a key, for none.
 *
 * @internal
 */
final class Control
{
    /** Longer than any answer takes: a request waits 60 s at most, and an advance waits for receivers. */
    private const TIMEOUT_S = 600;

    public function __construct(
        public readonly string $url,
        private readonly ?string $apiKey,
        private readonly ?string $controlToken,
        public readonly ?Authority $authority,
    ) {
    }

    public function withKey(string $apiKey): self
    {
        return new self($this->url, $apiKey, $this->controlToken, $this->authority);
    }

    /** The header that chooses the world of a key. */
    public static function authorization(string $apiKey): string
    {
        return 'Basic ' . base64_encode("$apiKey:");
    }

    /**
     * The answer of `/__sandbox/{path}`: JSON as arrays if it is JSON, else a text.
     *
     * @param array<string, mixed> $query
     * @param array<string, mixed>|string|null $body a text is JSON already
     * @param bool $decode false returns the text of the answer in any case
     * @throws SandboxError with the message of the sandbox if it refuses
     */
    public function call(string $method, string $path, array $query, array|string|null $body, bool $decode = true): mixed
    {
        $where = "/__sandbox/" . implode('/', array_map('rawurlencode', explode('/', $path)));
        if ($query !== []) {
            $where .= '?' . self::parameters($query);
        }
        [$status, $type, $text] = $this->exchange($method, $where, self::payload($method, $path, $body));
        $isJson = str_starts_with($type, 'application/json');
        if ($status < 200 || $status > 299) {
            throw Refusal::of($status, $isJson ? json_decode($text, true) ?? $text : $text);
        }
        return $isJson && $decode ? $this->decoded($method, $path, $text) : $text;
    }

    /**
     * The same for an answer that is an object with this field.
     *
     * @param array<string, mixed> $query
     * @param array<string, mixed>|null $body
     * @return array<string, mixed>
     */
    public function fields(string $field, string $method, string $path, array $query = [], ?array $body = null): array
    {
        $answer = $this->call($method, $path, $query, $body);
        if (!is_array($answer) || !array_key_exists($field, $answer)) {
            throw $this->notUnderstood($method, $path, "no `$field`", is_string($answer) ? $answer : Wire::json($answer));
        }
        return $answer;
    }

    /**
     * A request to the API, with the key of the world.
     *
     * @return array{int, string} status and text of the answer
     */
    public function post(string $path, string $body): array
    {
        [$status, , $text] = $this->exchange('POST', $path, $body);
        return [$status, $text];
    }

    /**
     * Each call has its own connection. No proxy is used, even if the environment names one.
     *
     * @return array{int, string, string} status, content type and text
     */
    private function exchange(string $method, string $where, ?string $body): array
    {
        $headers = ['accept: application/json', 'expect:'];
        if ($body !== null) {
            $headers[] = 'content-type: application/json';
        }
        if ($this->apiKey !== null) {
            $headers[] = 'authorization: ' . self::authorization($this->apiKey);
        }
        if ($this->controlToken !== null) {
            $headers[] = "x-sandbox-control-token: $this->controlToken";
        }
        $curl = curl_init();
        curl_setopt_array($curl, [
            CURLOPT_URL => $this->url . $where,
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => self::TIMEOUT_S,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_PROXY => '',
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
        ]);
        if ($body !== null) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
        }
        if ($this->authority !== null) {
            curl_setopt($curl, CURLOPT_CAINFO, $this->authority->file);
        }
        $text = curl_exec($curl);
        if (!is_string($text)) {
            throw new SandboxException("the sandbox at $this->url does not answer: " . curl_error($curl));
        }
        $type = (string) curl_getinfo($curl, CURLINFO_CONTENT_TYPE);
        return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $type, $text];
    }

    private function decoded(string $method, string $path, string $text): mixed
    {
        try {
            return json_decode($text, true, 512, JSON_THROW_ON_ERROR);
        } catch (\JsonException $error) {
            throw $this->notUnderstood($method, $path, $error->getMessage(), $text);
        }
    }

    /** The program there may be another one, or a release that answers otherwise. */
    private function notUnderstood(string $method, string $path, string $why, string $text): SandboxException
    {
        $answered = "$this->url answered $method /__sandbox/$path with something else than a sandbox";
        return new SandboxException("$answered: $why: " . substr($text, 0, 200));
    }

    /** @param array<string, mixed> $query */
    private static function parameters(array $query): string
    {
        $texts = [];
        foreach ($query as $name => $value) {
            if (!is_scalar($value)) {
                $type = $value === null ? 'null: leave it out, or give it a value' : 'neither a text nor a number';
                throw new \InvalidArgumentException("`$name` of query is $type");
            }
            $texts[$name] = is_bool($value) ? ($value ? 'true' : 'false') : (string) $value;
        }
        return http_build_query($texts, '', '&', PHP_QUERY_RFC3986);
    }

    /** @param array<string, mixed>|string|null $body */
    private static function payload(string $method, string $path, array|string|null $body): ?string
    {
        if (!is_array($body)) {
            return $body;
        }
        try {
            return Wire::json((object) $body);
        } catch (\JsonException $error) {
            throw new SandboxException("the body of $method $path cannot be written as JSON: {$error->getMessage()}");
        }
    }
}
