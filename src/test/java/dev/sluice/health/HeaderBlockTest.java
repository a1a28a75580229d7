package dev.sluice.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** HPACK as far as it is read: the examples of RFC 7541 appendix C that need no dynamic table, and what is no header. */
final class HeaderBlockTest {
    private static Map<String, String> decode(String hex) throws UnhealthyException {
        return HeaderBlock.decode(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    @Test
    void readsTheExamplesOfTheRfc() throws UnhealthyException {
        // C.2.1 to C.2.4
        assertEquals(
                Map.of("custom-key", "custom-header"),
                decode("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"));
        assertEquals(Map.of(":path", "/sample/path"), decode("040c 2f73 616d 706c 652f 7061 7468"));
        assertEquals(Map.of("password", "secret"), decode("1008 7061 7373 776f 7264 0673 6563 7265 74"));
        assertEquals(Map.of(":method", "GET"), decode("82"));
        // C.4.1
        assertEquals(
                Map.of(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"),
                decode("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"));
        // C.6.1
        assertEquals(
                Map.of(
                        ":status",
                        "302",
                        "cache-control",
                        "private",
                        "date",
                        "Mon, 21 Oct 2013 20:13:21 GMT",
                        "location",
                        "https://www.example.com"),
                decode("4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6"
                        + "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3"));
    }

    @Test
    void refusesWhatDoesNotFollowTheRfc() {
        for (String hex : new String[] {
            "80", // index 0
            "be", // index 62: in the dynamic table, which there is none of
            "3f81ff03", // a dynamic table after all
            "04", // a string that is missing
            "0405 61", // a string that is too short
            "047f ffffffffffff", // a length without end
            "0481 00", // padded with zeros
            "0482 ffff", // more padding than an octet has
            "0484 ffffffff", // the code that ends a string
            "ffffffffffffffff" // an index without end
        }) {
            assertThrows(UnhealthyException.class, () -> decode(hex), hex);
        }
    }

    @Test
    void garbageEndsInAResult() {
        SplittableRandom random = new SplittableRandom(3);
        int readable = 0;
        for (int i = 0; i < 200_000; i++) {
            byte[] octets = new byte[random.nextInt(40)];
            random.nextBytes(octets);
            try {
                HeaderBlock.decode(octets);
                readable++;
            } catch (UnhealthyException e) {
                // As it should be.
            }
        }
        assertTrue(readable > 0);
    }
}
