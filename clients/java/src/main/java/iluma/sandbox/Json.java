package iluma.sandbox;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads and writes JSON as values of the JDK.
 *
 * <p>An object is a {@code Map} in its order, an array a {@code List}, and null is null. A number is a {@code Long}, or a
 * {@code BigInteger} if it does not fit. With a fraction or an exponent it is a {@code Double}.
 */
public final class Json {
    /** Values inside each other. A deeper document would use up the stack. */
    private static final int DEPTH_MAX = 512;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Reads one value. Throws {@code IllegalArgumentException} with the place of an error. */
    public static Object read(String text) {
        Json reader = new Json(text);
        Object value = reader.value(0);
        reader.skipBlanks();
        if (reader.at < text.length()) {
            throw reader.unexpected("the end");
        }
        return value;
    }

    /** Reads an object. */
    @SuppressWarnings("unchecked") // the reader makes only such maps
    public static Map<String, Object> readObject(String text) {
        if (read(text) instanceof Map<?, ?> object) {
            return (Map<String, Object>) object;
        }
        throw new IllegalArgumentException("expected a JSON object");
    }

    /** Writes maps, iterables, texts, numbers, booleans and null. Throws {@code IllegalArgumentException} for others. */
    public static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof CharSequence text) {
            writeText(text, out);
        } else if (value instanceof Number number) {
            writeNumber(number, out);
        } else if (value instanceof Map<?, ?> object) {
            writeObject(object, out);
        } else if (value instanceof Iterable<?> array) {
            writeArray(array, out);
        } else {
            throw new IllegalArgumentException("JSON cannot hold a value of " + value.getClass());
        }
    }

    private static void writeNumber(Number number, StringBuilder out) {
        if (!Double.isFinite(number.doubleValue()) && !(number instanceof BigDecimal || number instanceof BigInteger)) {
            throw new IllegalArgumentException("JSON cannot hold the number " + number);
        }
        out.append(number);
    }

    private static void writeObject(Map<?, ?> object, StringBuilder out) {
        String separator = "{";
        for (Map.Entry<?, ?> entry : object.entrySet()) {
            if (!(entry.getKey() instanceof CharSequence name)) {
                throw new IllegalArgumentException("the name of a JSON value is a text, and not " + entry.getKey());
            }
            out.append(separator);
            writeText(name, out);
            out.append(':');
            write(entry.getValue(), out);
            separator = ",";
        }
        out.append(object.isEmpty() ? "{}" : "}");
    }

    private static void writeArray(Iterable<?> array, StringBuilder out) {
        out.append('[');
        String separator = "";
        for (Object item : array) {
            out.append(separator);
            write(item, out);
            separator = ",";
        }
        out.append(']');
    }

    private static void writeText(CharSequence text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || Character.isSurrogate(c)) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw new IllegalArgumentException("more than " + DEPTH_MAX + " JSON values inside each other");
        }
        skipBlanks();
        return switch (peek()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", Boolean.TRUE);
            case 'f' -> word("false", Boolean.FALSE);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> object = new LinkedHashMap<>();
        at++;
        skipBlanks();
        if (accept('}')) {
            return object;
        }
        do {
            skipBlanks();
            if (peek() != '"') {
                throw unexpected("a name");
            }
            String name = string();
            skipBlanks();
            expect(':');
            Object value = value(depth + 1);
            if (object.containsKey(name)) {
                throw new IllegalArgumentException("the name \"" + name + "\" is there twice");
            }
            object.put(name, value);
            skipBlanks();
        } while (accept(','));
        expect('}');
        return object;
    }

    private List<Object> array(int depth) {
        List<Object> array = new ArrayList<>();
        at++;
        skipBlanks();
        if (accept(']')) {
            return array;
        }
        do {
            array.add(value(depth + 1));
            skipBlanks();
        } while (accept(','));
        expect(']');
        return array;
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        at++;
        while (!accept('"')) {
            char c = peek();
            if (c < ' ') {
                throw unexpected("the end of a text");
            }
            at++;
            string.append(c == '\\' ? escaped() : c);
        }
        return string.toString();
    }

    private char escaped() {
        char c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> codeUnit();
            default -> {
                at--;
                throw unexpected("an escape");
            }
        };
    }

    private char codeUnit() {
        int unit = 0;
        for (int digits = 0; digits < 4; digits++) {
            char c = peek();
            int digit = c < 128 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                throw unexpected("four hexadecimal digits");
            }
            unit = unit * 16 + digit;
            at++;
        }
        return (char) unit;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected("a value");
        }
        at += word.length();
        return value;
    }

    private Number number() {
        int start = at;
        accept('-');
        if (!accept('0')) {
            digits();
        }
        boolean isWhole = true;
        if (accept('.')) {
            isWhole = false;
            digits();
        }
        if (accept('e') || accept('E')) {
            isWhole = false;
            if (!accept('+')) {
                accept('-');
            }
            digits();
        }
        String number = text.substring(start, at);
        if (!isWhole) {
            return Double.valueOf(number);
        }
        BigInteger whole = new BigInteger(number);
        return whole.bitLength() < Long.SIZE ? (Number) whole.longValue() : whole;
    }

    private void digits() {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == start) {
            throw unexpected("a value");
        }
    }

    private void skipBlanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    /** The next character, or 0 at the end. No rule of JSON accepts 0. */
    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean accept(char c) {
        if (peek() != c) {
            return false;
        }
        at++;
        return true;
    }

    private void expect(char c) {
        if (!accept(c)) {
            throw unexpected("`" + c + "`");
        }
    }

    private IllegalArgumentException unexpected(String expected) {
        String found = at < text.length() ? "`" + text.charAt(at) + "`" : "the end";
        return new IllegalArgumentException("not JSON at character " + (at + 1) + ": expected " + expected + ", found " + found);
    }
}
