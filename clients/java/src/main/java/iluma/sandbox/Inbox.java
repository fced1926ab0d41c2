package iluma.sandbox;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A receiver for callbacks that is part of the sandbox. Register {@link #url} as a callback URL, and read the received callbacks.
 *
 * <p>It answers 200. With {@code inbox.url() + "?status=500&times=2"} it refuses the first two callbacks.
 */
public final class Inbox {
    private final Control control;
    private final String path;

    Inbox(Control control, String name) {
        this.control = control;
        this.path = "inbox/" + name;
    }

    /** The URL for callbacks. */
    public String url() {
        return control.url() + "/__sandbox/" + path;
    }

    /** The received callbacks, newest first. */
    public List<Received> received() {
        return received(Map.of());
    }

    /** Waits 5 seconds until {@code count} have come, or throws a {@code NotVerifiedError}. */
    public List<Received> received(int count) {
        return received(count, World.WAIT);
    }

    /** The same with another time. */
    public List<Received> received(int count, Duration wait) {
        try {
            return received(Map.of("count", count, "wait", Wire.written(wait)));
        } catch (NotVerifiedError late) {
            int arrived = Answer.list(late.answer().get("received")).size();
            List<String> lines = new ArrayList<>();
            lines.add(arrived + " of " + count + " callbacks came to " + url());
            Answer.addReasons(late.answer(), lines);
            String message = lines.size() == 1 ? lines.get(0) + " within " + Wire.written(wait) : String.join("\n", lines);
            throw new NotVerifiedError(message, late.status(), late.answer());
        }
    }

    /** Removes all received callbacks. */
    public void empty() {
        control.call("DELETE", path, Map.of(), null);
    }

    private List<Received> received(Map<String, ?> query) {
        Map<?, ?> answer = (Map<?, ?>) control.call("GET", path, query, null);
        return Wire.records(Received.class, answer.get("received"));
    }
}
