<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\Sandbox;
use IlumaSandbox\World;

/** Asks the product as an application would. */
final class Product
{
    public const BANK = 'v1.1/bank_account_data_requests';
    public const BANK_PATH = '/v1.1/identity/bank_account_data_requests';
    public const BANK_CALLBACK = 'NAME_VALIDATOR_REQUEST';

    /** @param array<string, string> $headers the reply's, with names in lower case */
    private function __construct(public readonly int $status, public readonly array $headers, public readonly string $text)
    {
    }

    /** @return array<string, mixed> */
    public function json(): array
    {
        return json_decode($this->text, true, 512, JSON_THROW_ON_ERROR);
    }

    /**
     * A POST where there is a body, else a GET.
     *
     * @param ?array<string, mixed> $body
     * @param list<string> $headers lines with more headers
     */
    public static function ask(
        World $world,
        string $path,
        ?array $body = null,
        ?string $magic = null,
        array $headers = [],
    ): self {
        $headers[] = "authorization: {$world->authorization()}";
        if ($magic !== null) {
            $headers[] = "x-magic-reply: $magic";
        }
        $curl = curl_init($world->url . $path);
        if ($body !== null) {
            $headers[] = 'content-type: application/json';
            curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body, JSON_THROW_ON_ERROR));
        }
        if ($world->caFile !== null) {
            curl_setopt($curl, CURLOPT_CAINFO, $world->caFile);
        }
        $received = [];
        curl_setopt_array($curl, [
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_PROXY => '',
            CURLOPT_HEADERFUNCTION => static function ($curl, string $line) use (&$received): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $received[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ]);
        $text = curl_exec($curl);
        if (!is_string($text)) {
            throw new \RuntimeException(curl_error($curl));
        }
        return new self(curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $received, $text);
    }

    /** @return array<string, string> */
    public static function account(string $number): array
    {
        return ['bank_account_number' => $number, 'bank_code' => 'BCA'];
    }

    /** Asks for the holder of an account. */
    public static function askForAccount(World $world, string $number = '1234567890', ?string $magic = null): self
    {
        return self::ask($world, self::BANK_PATH, self::account($number), $magic);
    }

    public static function register(World $world): void
    {
        $world->registerCallbackUrl(self::BANK_CALLBACK, $world->inbox()->url);
    }

    /** @return list<string> the names of the worlds that the sandbox holds */
    public static function worldNames(Sandbox $sandbox): array
    {
        return array_values(array_filter(array_column($sandbox->call('GET', 'worlds')['worlds'], 'name')));
    }
}
