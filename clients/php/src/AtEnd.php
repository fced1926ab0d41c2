<?php

declare(strict_types=1);

namespace IlumaSandbox;

/**
 * Calls a function at the end of the script, also after a fatal error, when PHP calls no destructors.
 *
 * @internal
 */
final class AtEnd
{
    /**
     * @template T of object
     * @param T $object if it has gone before, the function is not called
     * @param \Closure(T): void $function
     */
    public static function call(object $object, \Closure $function): void
    {
        $weak = \WeakReference::create($object);
        register_shutdown_function(static function () use ($weak, $function): void {
            $object = $weak->get();
            if ($object !== null) {
                $function($object);
            }
        });
    }
}
