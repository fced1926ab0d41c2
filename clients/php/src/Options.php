<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * Checks options. A misspelt one would be left out, and a test would check less than it says.
 *
 * @internal
 */
final class Options
{
    private const MATCH = [
        'endpoint' => 'string', 'outcome' => 'string', 'status' => 'int', 'method' => 'string', 'path' => 'string',
        'trace' => 'string', 'traceparent' => 'string', 'requestId' => 'string', 'body' => 'array', 'headers' => 'array', 'query' => 'array',
    ];
    private const FAULT = ['endpoint', 'fault', 'delay', 'probability', 'rate_limit'];
    /** The lowest likeness of a name that is worth a question, in percent. */
    private const LIKENESS_MIN = 50.0;

    /**
     * Refuses unknown conditions of a request, and conditions of another type.
     *
     * @param array<int|string, mixed> $match
     * @param list<string> $also the other options of the function, which may have been meant
     */
    public static function checkMatch(string $where, array $match, array $also = []): void
    {
        self::checkNames($where, $match, array_keys(self::MATCH), $also);
        foreach ($match as $name => $value) {
            self::checkValue($where, $name, $value);
            if (get_debug_type($value) !== self::MATCH[$name]) {
                $type = self::named(self::MATCH[$name]);
                throw new \InvalidArgumentException("`$name` of $where takes $type, and not " . self::shown($value));
            }
        }
    }

    /**
     * The same for the requests of an order.
     *
     * @param array<int|string, mixed> $steps
     */
    public static function checkSteps(string $where, array $steps): void
    {
        if (!array_is_list($steps)) {
            throw new \InvalidArgumentException("$where takes a list of requests, and not " . self::shown($steps));
        }
        foreach ($steps as $at => $step) {
            self::checkMatch("{$where}[$at]", self::options("{$where}[$at]", $step));
        }
    }

    /**
     * The same for faults.
     *
     * @param array<int|string, mixed> $faults
     * @param list<string> $also the names of the other arguments
     */
    public static function checkFaults(array $faults, array $also): void
    {
        foreach ($faults as $at => $fault) {
            if (is_string($at)) {
                self::checkNames('faults', [$at => $fault], [], $also);
            }
            $where = "faults[$at]";
            self::checkNames($where, self::options($where, $fault), self::FAULT, []);
            foreach ($fault as $name => $value) {
                self::checkValue($where, $name, $value);
            }
        }
    }

    /**
     * Refuses all arguments that a function has no parameter for. PHP collects them in the last parameter.
     *
     * @param string $function `Class::method`
     * @param array<int|string, mixed> $unknown
     */
    public static function refuse(string $function, array $unknown): void
    {
        if ($unknown === []) {
            return;
        }
        $known = [];
        foreach ((new \ReflectionMethod($function))->getParameters() as $parameter) {
            if (!$parameter->isVariadic()) {
                $known[] = $parameter->getName();
            }
        }
        self::checkNames(self::short($function), $unknown, [], $known);
    }

    /** `verify` for `IlumaSandbox\World::verify`. */
    private static function short(string $function): string
    {
        [$class, $method] = explode('::', $function);
        return $class === Sandbox::class ? "Sandbox::$method" : $method;
    }

    /**
     * @param array<int|string, mixed> $options
     * @param list<string> $accepted
     * @param list<string> $also other names that may have been meant
     */
    private static function checkNames(string $where, array $options, array $accepted, array $also): void
    {
        $names = [...$accepted, ...$also];
        foreach ($options as $name => $value) {
            if (is_int($name)) {
                $known = implode(', ', $names);
                throw new \InvalidArgumentException("$where takes its options by name ($known), and not " . self::shown($value));
            }
            if (!in_array($name, $accepted, true)) {
                $near = self::nearest($name, $names);
                $hint = $near === null ? 'known are ' . implode(', ', $names) : "did you mean `$near`?";
                throw new \InvalidArgumentException("unknown option `$name` of $where: $hint");
            }
        }
    }

    /** @param list<string> $names */
    private static function nearest(string $name, array $names): ?string
    {
        $nearest = null;
        $best = self::LIKENESS_MIN;
        foreach ($names as $known) {
            similar_text(self::letters($name), self::letters($known), $likeness);
            if ($likeness >= $best && ($nearest === null || $likeness > $best)) {
                [$nearest, $best] = [$known, $likeness];
            }
        }
        return $nearest;
    }

    /** `at_least`, `atLeast` and `atleast` are the same to a reader. */
    private static function letters(string $name): string
    {
        return strtolower(str_replace(['_', '-'], '', $name));
    }

    private static function checkValue(string $where, string $name, mixed $value): void
    {
        if ($value === null) {
            throw new \InvalidArgumentException("`$name` of $where is null: leave it out, or give it a value");
        }
    }

    /** @return array<int|string, mixed> */
    private static function options(string $where, mixed $value): array
    {
        if (!is_array($value)) {
            throw new \InvalidArgumentException("$where takes an array of options, and not " . self::shown($value));
        }
        return $value;
    }

    private static function named(string $type): string
    {
        return match ($type) {
            'string' => 'a text',
            'int' => 'a whole number',
            default => 'an array',
        };
    }

    private static function shown(mixed $value): string
    {
        $json = json_encode($value, JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
        return is_object($value) || $json === false ? get_debug_type($value) : $json;
    }
}
