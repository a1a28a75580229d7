package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tables of RFC 7915 sections 4.2 and 5.2. */
class IcmpFamiliesTest {
    private static long head(int type, int code, long rest) {
        return (long) type << 56 | (long) code << 48 | rest;
    }

    @ParameterizedTest
    @CsvSource({
        "3,0,0, 1,0,0",
        "3,1,0, 1,0,0",
        "3,2,0, 4,1,6",
        "3,3,0, 1,4,0",
        "3,5,0, 1,0,0",
        "3,6,0, 1,0,0",
        "3,7,0, 1,0,0",
        "3,8,0, 1,0,0",
        "3,9,0, 1,1,0",
        "3,10,0, 1,1,0",
        "3,11,0, 1,0,0",
        "3,12,0, 1,0,0",
        "3,13,0, 1,1,0",
        "3,15,0, 1,1,0",
        // MTUs, that of a router without RFC 1191 among them: the plateau below what it could not pass on.
        "3,4,1400, 2,0,1420",
        "3,4,576, 2,0,1280",
        "3,4,0, 2,0,1512",
        "3,4,65535, 2,0,65555",
        "11,0,0, 3,0,0",
        "11,1,7, 3,1,0",
        "12,0,0x00000000, 4,0,0",
        "12,0,0x01000000, 4,0,1",
        "12,2,0x02000000, 4,0,4",
        "12,0,0x03000000, 4,0,4",
        "12,0,0x08000000, 4,0,7",
        "12,0,0x09000000, 4,0,6",
        "12,2,0x0c000000, 4,0,8",
        "12,0,0x0f000000, 4,0,8",
        "12,0,0x10000000, 4,0,24",
        "12,0,0x13000000, 4,0,24"
    })
    void toInet6(int type, int code, String rest, int newType, int newCode, int newRest) {
        assertEquals(
                head(newType, newCode, newRest),
                IcmpFamilies.translate(true, head(type, code, Long.decode(rest)), 1500, false));
    }

    @ParameterizedTest
    @CsvSource({
        "3,14,0",
        "3,16,0",
        "4,0,0",
        "5,0,0",
        "12,1,0",
        "12,3,0",
        "12,0,0x04000000",
        "12,0,0x05000000",
        "12,0,0x06000000",
        "12,0,0x07000000",
        "12,0,0x0a000000",
        "12,0,0x0b000000",
        "12,0,0x14000000",
        "12,0,0xff000000",
        "8,0,0",
        "0,0,0",
        "255,0,0"
    })
    void notToInet6(int type, int code, String rest) {
        assertEquals(IcmpFamilies.NONE, IcmpFamilies.translate(true, head(type, code, Long.decode(rest)), 1500, false));
    }

    @ParameterizedTest
    @CsvSource({
        "1,0,0, 3,1,0",
        "1,1,0, 3,10,0",
        "1,2,0, 3,1,0",
        "1,3,0, 3,1,0",
        "1,4,0, 3,3,0",
        "2,0,1500, 3,4,1480",
        "2,0,1280, 3,4,1260",
        "2,0,0, 3,4,68",
        "2,0,0xffffffff, 3,4,65535",
        "3,0,0, 11,0,0",
        "3,1,0, 11,1,0",
        "4,1,6, 3,2,0",
        "4,0,0, 12,0,0",
        "4,0,1, 12,0,0x01000000",
        "4,0,4, 12,0,0x02000000",
        "4,0,5, 12,0,0x02000000",
        "4,0,6, 12,0,0x09000000",
        "4,0,7, 12,0,0x08000000",
        "4,0,8, 12,0,0x0c000000",
        "4,0,23, 12,0,0x0c000000",
        "4,0,24, 12,0,0x10000000",
        "4,0,39, 12,0,0x10000000"
    })
    void toInet(int type, int code, String rest, int newType, int newCode, String newRest) {
        assertEquals(
                head(newType, newCode, Long.decode(newRest)),
                IcmpFamilies.translate(false, head(type, code, Long.decode(rest)), 1500, false));
    }

    @ParameterizedTest
    @CsvSource({"1,5,0", "4,2,6", "4,0,2", "4,0,3", "4,0,40", "4,0,0xffffffff", "128,0,0", "0,0,0", "5,0,0"})
    void notToInet(int type, int code, String rest) {
        assertEquals(
                IcmpFamilies.NONE, IcmpFamilies.translate(false, head(type, code, Long.decode(rest)), 1500, false));
    }

    @Test
    void aFragmentHeaderCountsAsWell() {
        // The sender's next packet may be no fragment.
        assertEquals(head(2, 0, 1420), IcmpFamilies.translate(true, head(3, 4, 1400), 1500, true));
        assertEquals(head(3, 4, 1472), IcmpFamilies.translate(false, head(2, 0, 1500), 1500, true));
    }

    @ParameterizedTest
    @CsvSource({"70000, 32020", "1500, 1512", "1492, 1280", "68, 1280", "0, 1280", "9000, 8186"})
    void plateaus(int quotedBytes, int mtu) {
        assertEquals(head(2, 0, mtu), IcmpFamilies.translate(true, head(3, 4, 0), quotedBytes, false));
    }
}
