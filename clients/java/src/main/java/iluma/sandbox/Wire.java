package iluma.sandbox;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Changes values between the form of the control API and that of Java. */
final class Wire {
    private Wire() {}

    /** A duration in milliseconds, the form of the sandbox. */
    static String written(Duration duration) {
        return duration.toMillis() + "ms";
    }

    /** Refuses null. JSON would leave the value out, and a test would check less than it says. */
    static <T> T present(T value, String name) {
        return Objects.requireNonNull(value, () -> "`" + name + "` is null: leave it out, or give it a value");
    }

    /** The pairs of names and values, without those whose value is null. */
    static Map<String, Object> given(Object... pairs) {
        Map<String, Object> given = new LinkedHashMap<>();
        for (int at = 0; at < pairs.length; at += 2) {
            if (pairs[at + 1] != null) {
                given.put((String) pairs[at], pairs[at + 1]);
            }
        }
        return given;
    }

    static <R extends Record> List<R> records(Class<R> type, Object items) {
        return ((List<?>) items).stream().map(item -> record(type, item)).toList();
    }

    /** A record whose components have the names of the object, in camel case. Other names of the object are skipped. */
    static <R extends Record> R record(Class<R> type, Object item) {
        Map<?, ?> object = (Map<?, ?>) item;
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int at = 0; at < components.length; at++) {
            types[at] = components[at].getType();
            values[at] = value(components[at].getGenericType(), object.get(wireName(components[at].getName())));
        }
        try {
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException("a record has a constructor with its components", error);
        }
    }

    /** {@code bodyBytes} is {@code body_bytes} in the control API. */
    static String wireName(String component) {
        return component.replaceAll("([A-Z])", "_$1").toLowerCase(java.util.Locale.ROOT);
    }

    private static Object value(Type type, Object value) {
        if (type == int.class || type == Integer.class) {
            return value == null ? null : (Object) ((Number) value).intValue();
        }
        if (value != null && type instanceof ParameterizedType list && list.getRawType() == List.class) {
            return records(((Class<?>) list.getActualTypeArguments()[0]).asSubclass(Record.class), value);
        }
        return value;
    }
}
