package iluma.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void aDocumentIsReadAsValuesOfTheJdkInItsOrder() {
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("z", null);
        expected.put("a", Arrays.asList(true, false, -1L, 0.5, 1e3, "é\"\\/\b\f\n\r\té😀"));
        expected.put("", Map.of("big", new BigInteger("9223372036854775808")));
        Map<String, Object> read = Json.readObject(
                " {\"z\":null, \"a\" :[true,false,-1,0.5,1E+3,\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\té\\ud83d\\uDE00\"],"
                        + "\n\"\":{\"big\":9223372036854775808}}\t");
        assertEquals(expected, read);
        assertEquals(List.of("z", "a", ""), List.copyOf(read.keySet()));
        assertEquals(List.of(), Json.read("[ ]"));
        assertEquals(Map.of(), Json.read("{ }"));
        assertEquals(Long.MIN_VALUE, Json.read("-9223372036854775808"));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", " ", "{", "[", "\"", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\"}", "[1 2]", "01", "-", "+1", ".5", "1.", "1e", "NaN",
        "tru", "nul", "'a'", "\"\\x\"", "\"\\u12\"", "\"\\u٠٠٠٠\"", "\"a\nb\"", "1 1", "{\"a\":1,\"a\":2}", "\u00a01"
    })
    void whatIsNotJsonIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.read(text));
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '^', delimiter = '|', value = {
        "[1 2]|not JSON at character 4: expected `]`, found `2`",
        "{\"a\"|not JSON at character 5: expected `:`, found the end",
        "nix|not JSON at character 1: expected a value, found `n`",
        "[1]x|not JSON at character 4: expected the end, found `x`",
    })
    void anErrorHasItsPlace(String text, String message) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> Json.read(text)).getMessage());
    }

    @Test
    void aDocumentThatIsTooDeepIsRefusedBeforeTheStackIsFull() {
        assertThrows(IllegalArgumentException.class, () -> Json.read("[".repeat(100_000)));
        Json.read("[".repeat(500) + "]".repeat(500));
    }

    @Test
    void whatIsWrittenIsReadAgain() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("text", "\"\\ \u0000\u001f\u2028 é 😀 \ud800");
        value.put("numbers", List.of(1L, -0.25, new BigInteger("123456789012345678901234567890")));
        value.put("nothing", null);
        value.put("empty", List.of(Map.of(), List.of(), ""));
        assertEquals(value, Json.read(Json.write(value)));
        assertEquals("{\"a\":[1,2.50,true,null]}", Json.write(Map.of("a", Arrays.asList(1, new BigDecimal("2.50"), true, null))));
        assertEquals("\"\\ud800\"", Json.write("\ud800"));
    }

    @Test
    void whatJsonCannotHoldIsRefused() {
        for (Object value : new Object[] {Double.NaN, Float.NEGATIVE_INFINITY, new Object(), new int[0], Map.of(1, 2)}) {
            assertThrows(IllegalArgumentException.class, () -> Json.write(value));
        }
    }
}
