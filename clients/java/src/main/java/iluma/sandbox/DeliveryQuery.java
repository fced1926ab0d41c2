package iluma.sandbox;

import java.util.LinkedHashMap;
import java.util.Map;

/** The conditions for a callback: {@code DeliveryQuery.any().record(id).state("delivered")}. Each method returns a new query. */
public final class DeliveryQuery {
    private static final DeliveryQuery ANY = new DeliveryQuery(Map.of());

    private final Map<String, Object> parameters;

    private DeliveryQuery(Map<String, Object> parameters) {
        this.parameters = parameters;
    }

    /** Every callback. */
    public static DeliveryQuery any() {
        return ANY;
    }

    /** {@code NAME_VALIDATOR_REQUEST}. */
    public DeliveryQuery type(String type) {
        return with("type", Wire.present(type, "type"));
    }

    /** The id of the record. */
    public DeliveryQuery record(String id) {
        return with("record", Wire.present(id, "record"));
    }

    /** {@code delivered}, {@code failed}, … {@code no_url} lists the callbacks that had no URL. */
    public DeliveryQuery state(String state) {
        return with("state", Wire.present(state, "state"));
    }

    /** A whole {@code traceparent}, or the 32 hex digits of its trace id. */
    public DeliveryQuery traceparent(String traceparent) {
        return with("traceparent", Wire.present(traceparent, "traceparent"));
    }

    /** The {@code x-request-id} of the request that caused the callback. */
    public DeliveryQuery requestId(String id) {
        return with("request_id", Wire.present(id, "requestId"));
    }

    /** Only callbacks after this number. */
    public DeliveryQuery afterSeq(long seq) {
        return with("after_seq", seq);
    }

    public DeliveryQuery limit(int limit) {
        return with("limit", limit);
    }

    private DeliveryQuery with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(parameters);
        more.put(name, value);
        return new DeliveryQuery(more);
    }

    /** A new map. */
    Map<String, Object> parameters() {
        return new LinkedHashMap<>(parameters);
    }
}
