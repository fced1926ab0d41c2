package iluma.sandbox;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A fault or delay of a world: {@code Fault.of("reset").endpoint("v1/individual/cft_peps").probability(0.5)}. Without an
 * endpoint, it applies to all products. Each method returns a new fault.
 */
public final class Fault {
    private final Map<String, Object> fields;

    private Fault(Map<String, Object> fields) {
        this.fields = fields;
    }

    /** {@code reset}, {@code truncate}, {@code slow(1kb/s)}, … */
    public static Fault of(String fault) {
        return new Fault(Map.of("fault", Wire.present(fault, "fault")));
    }

    /** A status instead of the reply: 503. */
    public static Fault status(int status) {
        return new Fault(Map.of("fault", status));
    }

    /** {@code 3s}, {@code uniform(1s, 3s)}, {@code lognormal(300ms, 0.5)}, … */
    public static Fault delay(String delay) {
        return new Fault(Map.of("delay", Wire.present(delay, "delay")));
    }

    /** Accepts this many requests in each window. */
    public static Fault rateLimit(int limit, Duration window) {
        return new Fault(Map.of("rate_limit", Map.of("limit", limit, "window", Wire.written(window))));
    }

    /** The id or the path of an endpoint. */
    public Fault endpoint(String endpoint) {
        return with("endpoint", Wire.present(endpoint, "endpoint"));
    }

    /** How often it strikes, from 0 to 1. */
    public Fault probability(double probability) {
        return with("probability", probability);
    }

    private Fault with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(fields);
        more.put(name, value);
        return new Fault(more);
    }

    Map<String, Object> fields() {
        return fields;
    }
}
