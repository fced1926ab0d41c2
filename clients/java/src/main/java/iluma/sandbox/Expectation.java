package iluma.sandbox;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An expectation for the requests of a world: {@code Expectation.exactly(2, Query.any().endpoint("v1/individual/cft_peps"))}. */
public final class Expectation {
    private final Map<String, Object> body;

    private Expectation(Map<String, Object> body) {
        this.body = body;
    }

    public static Expectation exactly(int count, Query query) {
        return of(query, "exactly", count);
    }

    public static Expectation atLeast(int count, Query query) {
        return of(query, "at_least", count);
    }

    public static Expectation atMost(int count, Query query) {
        return of(query, "at_most", count);
    }

    public static Expectation between(int min, int max, Query query) {
        return of(query, "at_least", min).with("at_most", max);
    }

    /** No request may match. It waits for this time, and fails if one does. */
    public static Expectation neverWithin(Duration time, Query query) {
        return of(query, "never_within", Wire.written(time));
    }

    /** Requests that match one after another. Others may come between them. Only the first may have {@link Query#afterSeq}. */
    public static Expectation inOrder(Query... steps) {
        if (Arrays.stream(steps).skip(1).anyMatch(step -> step.afterSeq() != null)) {
            throw new IllegalArgumentException("only the first step of an order may have `afterSeq`");
        }
        Long afterSeq = steps.length == 0 ? null : steps[0].afterSeq();
        List<Map<String, Object>> conditions = Arrays.stream(steps).map(Query::conditions).toList();
        return new Expectation(Wire.given("in_order", conditions, "after_seq", afterSeq));
    }

    /** How long to wait until the expectation is met. */
    public Expectation within(Duration wait) {
        return with("wait", Wire.written(wait));
    }

    private static Expectation of(Query query, String bound, Object value) {
        return new Expectation(Wire.given("request", query.conditions(), bound, value, "after_seq", query.afterSeq()));
    }

    private Expectation with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(body);
        more.put(name, value);
        return new Expectation(more);
    }

    Map<String, Object> body() {
        return body;
    }
}
