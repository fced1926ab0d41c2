package iluma.sandbox;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An answer of the control API: JSON if it is JSON, else text. */
record Answer(int status, Object content) {
    /** The content, or an error with the message of the sandbox. */
    Object contentOrThrow() {
        if (status >= 200 && status < 300) {
            return content;
        }
        Map<String, Object> said = isObject() ? object() : Map.of("message", String.valueOf(content));
        List<String> lines = new ArrayList<>();
        Object message = said.get("message");
        lines.add(message == null || message.equals("") ? "the sandbox answered " + status : message.toString());
        addNearMisses(said, lines);
        addReasons(said, lines);
        String whole = String.join("\n", lines);
        if (status == 408 || status == 417) {
            throw new NotVerifiedError(whole, status, said);
        }
        throw new SandboxException(whole, status, said);
    }

    private boolean isObject() {
        return content instanceof Map<?, ?>;
    }

    @SuppressWarnings("unchecked") // `Json` makes only such maps
    private Map<String, Object> object() {
        return (Map<String, Object>) content;
    }

    private static void addNearMisses(Map<String, Object> said, List<String> lines) {
        for (Object nearMiss : list(said.get("near_misses"))) {
            Map<?, ?> near = (Map<?, ?>) nearMiss;
            lines.add("  close was " + near.get("trace") + ", " + near.get("request") + ":");
            for (Object one : list(near.get("differences"))) {
                Map<?, ?> difference = (Map<?, ?>) one;
                Object note = difference.get("note");
                Object lookAlike = difference.get("look_alike");
                lines.add("    " + difference.get("field") + ": expected " + Json.write(difference.get("expected")) + ", "
                        + (note == null ? "received " + Json.write(difference.get("received")) : note)
                        + (lookAlike == null ? "" : " (they look alike: " + lookAlike + ")"));
            }
        }
    }

    static void addReasons(Map<String, Object> said, List<String> lines) {
        list(said.get("why")).forEach(reason -> lines.add("  " + reason));
    }

    static List<?> list(Object value) {
        return value instanceof List<?> list ? list : List.of();
    }
}
