package iluma.sandbox;

import java.util.List;

/**
 * A callback and its attempts. A value is null if there is none.
 *
 * @param state {@code scheduled}, {@code sending}, {@code retrying}, {@code delivered}, {@code failed}, {@code cancelled}, {@code
 *     suppressed}, {@code dropped} or {@code no_url}
 * @param url null in the state {@code no_url}
 * @param traceparent the header of the request that caused the callback; the callback has the same
 * @param requestId the same for {@code x-request-id}
 * @param body the exact text; {@link Json#read} reads it
 */
public record Delivery(
        String id,
        long seq,
        String type,
        String state,
        String record,
        String outcome,
        String url,
        String created,
        String nextTry,
        String onPurpose,
        String reason,
        String redeliveryOf,
        long depth,
        String traceparent,
        String requestId,
        String body,
        List<Attempt> attempts) {}
