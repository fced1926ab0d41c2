package iluma.sandbox;

import java.util.Map;

/** The sandbox could not be started or reached, or refused a call. The message is that of the sandbox. */
public final class SandboxException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final transient Map<String, Object> answer;

    SandboxException(String message) {
        this(message, (Throwable) null);
    }

    SandboxException(String message, Throwable cause) {
        super(message, cause);
        this.status = 0;
        this.answer = Map.of();
    }

    SandboxException(String message, int status, Map<String, Object> answer) {
        super(message);
        this.status = status;
        this.answer = answer;
    }

    /** The status of the answer, such as 409, or 0 if there was none. */
    public int status() {
        return status;
    }

    /** The code of the error, such as {@code world_in_use}, or null. */
    public String error() {
        return answer().get("error") instanceof String error ? error : null;
    }

    /** The whole answer, or an empty map. */
    public Map<String, Object> answer() {
        return answer == null ? Map.of() : answer;
    }
}
