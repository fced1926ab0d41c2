package iluma.sandbox;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The conditions for a request: {@code Query.any().endpoint("v1.1/bank_account_data_requests").status(503)}. All of them must
 * match. A query does not change: each method returns a new one.
 */
public final class Query {
    private static final Query ANY = new Query(Map.of(), 0);

    private final Map<String, Object> conditions;
    private final long afterSeq;

    private Query(Map<String, Object> conditions, long afterSeq) {
        this.conditions = conditions;
        this.afterSeq = afterSeq;
    }

    /** Every request. */
    public static Query any() {
        return ANY;
    }

    /** The id or the path of an endpoint. */
    public Query endpoint(String endpoint) {
        return with("endpoint", Wire.present(endpoint, "endpoint"));
    }

    /** {@code COMPLETED_FOUND}, or the whole tag. */
    public Query outcome(String outcome) {
        return with("outcome", Wire.present(outcome, "outcome"));
    }

    public Query status(int status) {
        return with("status", status);
    }

    public Query method(String method) {
        return with("method", Wire.present(method, "method"));
    }

    public Query path(String path) {
        return with("path", Wire.present(path, "path"));
    }

    public Query trace(String trace) {
        return with("trace", Wire.present(trace, "trace"));
    }

    /** A whole {@code traceparent}, or the 32 hex digits of its trace id. */
    public Query traceparent(String traceparent) {
        return with("traceparent", Wire.present(traceparent, "traceparent"));
    }

    /** The header {@code x-request-id}. */
    public Query requestId(String id) {
        return with("request_id", Wire.present(id, "requestId"));
    }

    /**
     * A value in the body, by its dotted path: {@code body("addresses.0.country", "ID")}. A dot in a name is written with a
     * backslash. Null means that the value is missing.
     */
    public Query body(String path, Object value) {
        return with("body." + path, value);
    }

    /** A header. A list is for a name that came more than once. Null means that it is missing. */
    public Query header(String name, Object value) {
        return with("header." + name, value);
    }

    /** A parameter of the URL. A list is for a name that came more than once. Null means that it is missing. */
    public Query query(String name, Object value) {
        return with("query." + name, value);
    }

    /** Only requests after this number, as in {@link Request#seq} and {@link Page#lastSeq}. */
    public Query afterSeq(long seq) {
        return new Query(conditions, seq);
    }

    private Query with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(conditions);
        more.put(name, value);
        return new Query(more, afterSeq);
    }

    Map<String, Object> conditions() {
        return conditions;
    }

    /** Null if all numbers count. */
    Long afterSeq() {
        return afterSeq == 0 ? null : afterSeq;
    }

    /** JSON keeps the text "null" apart from a missing value. */
    Map<String, Object> parameters() {
        Map<String, Object> parameters = Wire.given("after_seq", afterSeq());
        conditions.forEach((name, value) -> parameters.put(name, Json.write(value)));
        return parameters;
    }
}
