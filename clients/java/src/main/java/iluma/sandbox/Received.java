package iluma.sandbox;

import java.util.Map;

/**
 * A callback that an inbox received.
 *
 * @param answered the status of the inbox's answer
 * @param headers a value is a list if its name came more than once
 * @param body the exact text; {@link Json#read} reads it
 */
public record Received(long seq, int answered, Map<String, Object> headers, String body) {}
