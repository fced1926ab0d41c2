package iluma.sandbox;

import java.util.Map;

/**
 * A request to a world, and its response.
 *
 * @param query a value is a list if its name came more than once
 * @param headers the same
 * @param body JSON as in {@link Json} if it is JSON, else text
 * @param bodySha256 the hash of a body of which only a part is kept, else null
 * @param endpoint null if there is none
 * @param outcome null if there is none
 * @param replyHeaders names in lower case, without length and date
 * @param replySha256 the hash of a response of which only a part is kept, else null
 * @param fault null if there was none
 */
public record Request(
        long seq,
        String trace,
        String at,
        String world,
        String method,
        String path,
        Map<String, Object> query,
        Map<String, Object> headers,
        Object body,
        long bodyBytes,
        String bodySha256,
        String endpoint,
        String outcome,
        int status,
        Object reply,
        Map<String, Object> replyHeaders,
        long replyBytes,
        String replySha256,
        long durationUs,
        long delayMs,
        String fault) {}
