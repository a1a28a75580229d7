package dev.sluice.cli.ipvsadm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The small JSON reader and writer of the command line, against the library that the director uses. */
class JsonTest {
    private static final ObjectMapper LIBRARY = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                " { \"a\" : [ 1 , -2, 0 , {} , [ ] ] , \"b\":{\"c\":null,\"d\":true,\"e\":false} } ",
                "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00 é\"",
                "18446744073709551615",
                "9223372036854775807",
                "[1.5,2e3,-0.25E-1]"
            })
    void readsWhatTheLibraryReads(String text) throws JsonProcessingException {
        JsonNode expected = LIBRARY.readTree(text);
        assertEquals(expected, LIBRARY.readTree(Json.write(Json.parse(text).value())));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "[",
                "\"",
                "\"\\",
                "\"\\x\"",
                "\"\\u12\"",
                "\"\\u12g4\"",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\":1,}",
                "{a:1}",
                "[1,]",
                "[1 2]",
                "tru",
                "nul",
                "1 2",
                "-",
                "1e",
                "--1",
                "{} {}",
                ","
            })
    void refusesTheRest(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.parse(text));
    }

    @Test
    void depthIsBounded() {
        assertEquals(List.of(), Json.parse("[]").elements());
        assertThrows(IllegalArgumentException.class, () -> Json.parse("[".repeat(100_000)));
    }

    @Test
    void whatIsNotThereIsNothing() {
        Json json = Json.parse("{\"a\":{\"n\":7},\"s\":\"x\",\"t\":true,\"z\":null}");
        assertEquals(7, json.path("a").path("n").number());
        assertEquals(0, json.path("s").number());
        assertEquals("x", json.path("s").text());
        assertEquals("", json.path("a").text());
        assertEquals(null, json.path("z").string());
        assertEquals(List.of(), json.path("b").path("c").elements());
        assertEquals("{\"k\":[1,\"\\u0001\\\"\\\\\",true]}", Json.write(Map.of("k", List.of(1, "\u0001\"\\", true))));
    }
}
