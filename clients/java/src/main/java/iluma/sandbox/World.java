package iluma.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;

/** The data of one API key, on a sandbox that others can use at the same time. It ends at the end of a {@code try} block. */
public final class World implements AutoCloseable {
    /** How long calls wait if no time is given. */
    static final Duration WAIT = Duration.ofSeconds(5);

    private final Sandbox sandbox; // it must not be collected while a world of it is used
    private final Control control;
    private final String name;
    private final String tag;
    private final String apiKey;
    private final String callbackToken;
    private final Map<String, Inbox> inboxes = new ConcurrentHashMap<>();

    World(Sandbox sandbox, Control control, Map<?, ?> made) {
        this.sandbox = sandbox;
        this.control = control;
        this.name = (String) made.get("name");
        this.tag = (String) made.get("world");
        this.apiKey = (String) made.get("api_key");
        this.callbackToken = (String) made.get("callback_token");
    }

    /** The URL of the API. */
    public String url() {
        return sandbox.url();
    }

    public String name() {
        return name;
    }

    /** The name of this world in the sandbox's log and journal. */
    public String tag() {
        return tag;
    }

    /** The API key of this world. The key alone chooses the world. */
    public String apiKey() {
        return apiKey;
    }

    /** The same as a header: {@code Basic …}. */
    public String authorization() {
        return Control.authorization(apiKey);
    }

    /** The value of {@code x-callback-token} in callbacks of this world. */
    public String callbackToken() {
        return callbackToken;
    }

    /** The certificate authority that clients must trust, in PEM. Null if the URL is not https. */
    public String caPem() {
        return sandbox.caPem();
    }

    /** Trust in that authority and in those of the JDK. */
    public SSLContext sslContext() {
        return sandbox.sslContext();
    }

    /** Queues an outcome for the next call of an endpoint (its id or path). Returns the whole queue. */
    public List<Queued> next(String endpoint, String outcome) {
        return next(endpoint, outcome, 1);
    }

    /** The same for several calls. Queued outcomes are used one after another. */
    public List<Queued> next(String endpoint, String outcome, int times) {
        return queue(endpoint, outcome, times, false);
    }

    /** Queues an error for the next GETs of records. */
    public List<Queued> nextReads(String endpoint, String outcome, int times) {
        return queue(endpoint, outcome, times, true);
    }

    private List<Queued> queue(String endpoint, String outcome, int times, boolean reads) {
        Map<String, Object> body = Map.of(
                "endpoint", Wire.present(endpoint, "endpoint"),
                "outcome", Wire.present(outcome, "outcome"),
                "times", times,
                "reads", reads);
        return Wire.records(Queued.class, post("next", body).get("waiting"));
    }

    /** All requests of this world, newest first. */
    public Page<Request> requests() {
        return requests(Query.any());
    }

    /** The requests of this world that match, newest first. */
    public Page<Request> requests(Query query) {
        return requests(query, Paging.newestFirst());
    }

    /** The same in another order, or only some of them. */
    public Page<Request> requests(Query query, Paging paging) {
        return requests(query, paging.parameters());
    }

    /** The same, but waits 5 seconds until one matches. */
    public Page<Request> waitFor(Query query) {
        return waitFor(1, query);
    }

    /** Waits until {@code count} match. */
    public Page<Request> waitFor(int count, Query query) {
        return waitFor(count, query, WAIT);
    }

    /** The same with another time, 60 s at most. Throws a {@code NotVerifiedError} after it. */
    public Page<Request> waitFor(int count, Query query, Duration wait) {
        return requests(query, Map.of("count", count, "wait", Wire.written(wait)));
    }

    private Page<Request> requests(Query query, Map<String, ?> more) {
        Map<String, Object> parameters = query.parameters();
        parameters.putAll(more);
        Map<?, ?> answer = get("requests", parameters);
        return new Page<>(Wire.records(Request.class, answer.get("requests")), answer);
    }

    /**
     * Throws a {@code NotVerifiedError} with the nearest requests, field by field, if the expectation is not met. Returns the
     * traces of the matches.
     */
    public List<String> verify(Expectation expectation) {
        return Answer.list(post("verify", expectation.body()).get("requests")).stream().map(String.class::cast).toList();
    }

    /** At least one request must match. */
    public List<String> verify(Query query) {
        return verify(Expectation.atLeast(1, query));
    }

    /** All callbacks with their attempts, newest first. */
    public Page<Delivery> deliveries() {
        return deliveries(DeliveryQuery.any());
    }

    /** The callbacks that match. */
    public Page<Delivery> deliveries(DeliveryQuery query) {
        return deliveries(query.parameters());
    }

    /** The same, but waits 5 seconds until {@code count} match. */
    public Page<Delivery> deliveries(int count, DeliveryQuery query) {
        return deliveries(count, query, WAIT);
    }

    /**
     * The same with another time. Throws a {@code NotVerifiedError} with the reasons after it, or at once if none can come because
     * no URL is registered.
     */
    public Page<Delivery> deliveries(int count, DeliveryQuery query, Duration wait) {
        Map<String, Object> parameters = query.parameters();
        parameters.put("count", count);
        parameters.put("wait", Wire.written(wait));
        return deliveries(parameters);
    }

    private Page<Delivery> deliveries(Map<String, ?> parameters) {
        Map<?, ?> answer = get("deliveries", parameters);
        return new Page<>(Wire.records(Delivery.class, answer.get("deliveries")), answer);
    }

    /** Waits 5 seconds until no callback is pending. */
    public void idle() {
        idle(WAIT);
    }

    /**
     * The same with another time. Throws a {@code NotVerifiedError} with the pending callbacks after it, or if callbacks were
     * dropped since the last reset, because too many of all worlds were pending.
     */
    public void idle(Duration wait) {
        Map<String, Object> answer = get("idle", Map.of("wait", Wire.written(wait)));
        if (answer.get("dropped_callbacks") instanceof Long dropped && dropped > 0) {
            String message = "nothing is pending, but " + dropped + " callbacks were dropped: too many of all worlds were pending";
            throw new NotVerifiedError(message, 200, answer);
        }
    }

    /** Moves the world's clock forward and runs everything that falls due. Returns the callbacks that were tried. */
    public List<Delivery> advance(Duration by) {
        return Wire.records(Delivery.class, post("clock/advance", Map.of("by", Wire.written(by))).get("deliveries"));
    }

    /** The time of the world's clock. */
    public Instant now() {
        return Instant.parse((String) get("clock", Map.of()).get("now"));
    }

    /** Sets the faults and delays of this world for 5 minutes. They replace earlier ones; without any, all are removed. */
    public void faults(Fault... faults) {
        if (faults.length == 0) {
            call("DELETE", "faults");
        } else {
            call("PUT", "faults", Map.of(), Map.of("faults", fields(faults)));
        }
    }

    /** The same for another time. */
    public void faults(Duration ttl, Fault... faults) {
        call("PUT", "faults", Map.of(), Map.of("faults", fields(faults), "ttl", Wire.written(ttl)));
    }

    private static List<Map<String, Object>> fields(Fault... faults) {
        return Arrays.stream(faults).map(Fault::fields).toList();
    }

    /** Sends a callback without a request. */
    public Delivery trigger(String type, String outcome) {
        return trigger(type, outcome, Map.of());
    }

    /** The same with changes of its body: {@code Map.of("result.is_found", false)}. */
    public Delivery trigger(String type, String outcome, Map<String, ?> set) {
        Map<String, Object> body = Map.of("type", Wire.present(type, "type"), "outcome", Wire.present(outcome, "outcome"), "set", set);
        return Wire.record(Delivery.class, post("trigger", body));
    }

    /** A receiver for this world's callbacks. Use it instead of a receiver of your own. */
    public Inbox inbox() {
        return inbox("inbox");
    }

    /** Another receiver. */
    public Inbox inbox(String name) {
        return inboxes.computeIfAbsent(name, one -> new Inbox(control, tag + "-" + one));
    }

    /**
     * Throws a {@code NotVerifiedError} if the test has left something unused: queued outcomes that were never requested, faults
     * that never struck, callbacks that were never awaited. Call it before the world ends.
     */
    public void verifyUsed() {
        call("GET", "unused");
    }

    /** The latest requests and callbacks as a short text, also those callbacks that are scheduled. */
    public String summary() {
        return (String) call("GET", "summary");
    }

    /** Explains a response. Its trace is in the header {@code x-sandbox-trace}. */
    public Map<String, Object> explain(String trace) {
        return get("explain/" + trace, Map.of());
    }

    /** Empties the world and its inboxes. When no callback is under way, returns the number of cancelled callbacks. */
    public long reset() {
        Object cancelled = post("reset", null).get("cancelled_callbacks");
        inboxes.values().forEach(Inbox::empty);
        return (Long) cancelled;
    }

    /** Ends the world and shows what was still pending. The next request with its key begins a new world. */
    public Ended end() {
        Object pending = object(call("DELETE", "worlds")).get("pending");
        inboxes.values().forEach(Inbox::empty);
        return Wire.record(Ended.class, pending);
    }

    /** Ends the world. */
    @Override
    public void close() {
        end();
    }

    /** Any other call of the control API, for this world: {@code world.call("GET", "snapshot")}. */
    public Object call(String method, String path) {
        return call(method, path, Map.of(), null);
    }

    /** The same with a query, and a body unless it is null. The answer is JSON as in {@link Json}, or text. */
    public Object call(String method, String path, Map<String, ?> query, Map<String, ?> body) {
        return control.call(method, path, query, body);
    }

    private Map<String, Object> get(String path, Map<String, ?> query) {
        return object(call("GET", path, query, null));
    }

    private Map<String, Object> post(String path, Map<String, ?> body) {
        return object(call("POST", path, Map.of(), body));
    }

    @SuppressWarnings("unchecked") // `Json` makes only such maps
    private static Map<String, Object> object(Object answer) {
        return (Map<String, Object>) answer;
    }
}
