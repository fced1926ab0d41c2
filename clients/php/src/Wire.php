<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * Values in the form of the sandbox.
 *
 * @internal
 */
final class Wire
{
    /** What the fields of a condition are called: `body.given_names`, `header.x-test`, `query.page`. */
    private const FIELDS = ['body' => 'body.', 'headers' => 'header.', 'query' => 'query.'];

    /** @throws \JsonException if the value cannot be written */
    public static function json(mixed $value): string
    {
        return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    }

    /** A duration, rounded to milliseconds. A text has the form of the sandbox already. */
    public static function duration(string|int|float|\DateInterval $duration): string
    {
        if (is_string($duration)) {
            return $duration;
        }
        if ($duration instanceof \DateInterval) {
            $duration = (float) (new \DateTimeImmutable('@0'))->add($duration)->format('U.u');
        }
        return round($duration * 1000) . 'ms';
    }

    /**
     * The conditions for a request.
     *
     * @param array<string, mixed> $match
     * @return array<string, mixed>
     */
    public static function conditions(array $match): array
    {
        $conditions = [];
        foreach ($match as $name => $value) {
            if (!isset(self::FIELDS[$name])) {
                $conditions[$name === 'requestId' ? 'request_id' : $name] = $value;
                continue;
            }
            foreach ($value as $field => $expected) {
                $field = $name === 'headers' ? strtolower((string) $field) : $field;
                $conditions[self::FIELDS[$name] . $field] = $expected;
            }
        }
        return $conditions;
    }

    /**
     * The values that are not null.
     *
     * @param array<string, mixed> $options
     * @return array<string, mixed>
     */
    public static function given(array $options): array
    {
        return array_filter($options, static fn (mixed $value): bool => $value !== null);
    }
}
