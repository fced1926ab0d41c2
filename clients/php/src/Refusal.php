<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * Makes the error for an answer that is not 2xx.
 *
 * @internal
 */
final class Refusal
{
    private const TOKEN_ERRORS = ['control_token_required', 'wrong_control_token'];

    /** @param mixed $answer JSON, or a text */
    public static function of(int $status, mixed $answer): SandboxError
    {
        $body = is_array($answer) ? $answer : ['message' => trim((string) $answer)];
        $message = (string) ($body['message'] ?? '');
        $lines = [
            $message === '' ? "the sandbox answered $status" : $message,
            ...self::nearMisses($body['near_misses'] ?? []),
            ...self::reasons($body['why'] ?? []),
        ];
        $isExpectation = in_array($status, [408, 417], true);
        $message = implode("\n", $lines);
        return $isExpectation ? new NotVerified($message, $status, $body) : new SandboxException($message, $status, $body);
    }

    /** The same error. If the control token is missing or wrong, its message says where to set it. */
    public static function namingTheToken(SandboxError $error): SandboxError
    {
        if (!in_array($error->error(), self::TOKEN_ERRORS, true)) {
            return $error;
        }
        $message = $error->getMessage() . '. Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`';
        return new SandboxException($message, $error->status(), $error->answer());
    }

    /** @return list<string> */
    public static function reasons(mixed $reasons): array
    {
        return array_map(static fn (mixed $reason): string => "  $reason", array_values((array) $reasons));
    }

    /** @return list<string> */
    private static function nearMisses(mixed $nearMisses): array
    {
        $lines = [];
        foreach ((array) $nearMisses as $nearMiss) {
            $lines[] = "  close was {$nearMiss['trace']}, {$nearMiss['request']}:";
            foreach ($nearMiss['differences'] ?? [] as $difference) {
                $expected = Wire::json($difference['expected'] ?? null);
                $received = $difference['note'] ?? 'received ' . Wire::json($difference['received'] ?? null);
                $lookAlike = $difference['look_alike'] ?? null;
                $alike = $lookAlike === null ? '' : " (they look alike: $lookAlike)";
                $lines[] = "    {$difference['field']}: expected $expected, $received$alike";
            }
        }
        return $lines;
    }
}
