package iluma.sandbox;

import java.util.Map;

/**
 * An expectation was not met. The message shows the nearest requests, field by field, or the reasons.
 *
 * <p>It is an {@code AssertionError}, so that test runners show a failure and not an error.
 */
public final class NotVerifiedError extends AssertionError {
    private static final long serialVersionUID = 1;

    private final int status;
    private final transient Map<String, Object> answer;

    NotVerifiedError(String message, int status, Map<String, Object> answer) {
        super(message);
        this.status = status;
        this.answer = answer;
    }

    /** 417 if the expectation is not met, 408 if it was not met in time. */
    public int status() {
        return status;
    }

    /** The whole answer of the sandbox. */
    public Map<String, Object> answer() {
        return answer == null ? Map.of() : answer;
    }
}
