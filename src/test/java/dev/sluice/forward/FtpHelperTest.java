package dev.sluice.forward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.packet.AddressFamily;
import dev.sluice.packet.IpAddress;
import dev.sluice.packet.Transport;
import dev.sluice.packet.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FtpHelperTest {
    private static final Pattern LONG_GROUP = Pattern.compile("[0-9a-fA-F]{5}");

    private final SegmentHarness harness = new SegmentHarness();
    private final FtpHelper helper = new FtpHelper(harness.umem);
    private final MemorySegment memory = Arena.ofAuto().allocate(4096);
    private final FtpLine line = new FtpLine(memory);

    private void put(boolean inet6, String text) {
        harness.put(SegmentHarness.segment(inet6)
                .tcpFlags(Transport.ACK)
                .payload(SegmentHarness.ascii(text))
                .build());
    }

    private boolean passive(String text) {
        put(false, text);
        return helper.announcesPassive(harness.batch, 0, harness.packet);
    }

    private boolean active(String text) {
        put(false, text);
        return helper.announcesActive(harness.batch, 0, harness.packet);
    }

    private int replace(String address, int port) {
        IpAddress ip = IpAddress.parse(address);
        return helper.replace(
                harness.batch,
                0,
                harness.packet,
                ip.family() == AddressFamily.INET6,
                ip.high(),
                ip.low(),
                port,
                SegmentHarness.MTU);
    }

    private boolean names(String address) {
        IpAddress ip = IpAddress.parse(address);
        return helper.names(ip.family() == AddressFamily.INET6, ip.high(), ip.low());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            value = {
                "227 Entering Passive Mode (10,0,0,2,4,1).#227 Entering Passive Mode (198,51,100,1,4,1).",
                "227 Entering Passive Mode. 10,0,0,2,4,1#227 Entering Passive Mode. 198,51,100,1,4,1",
                "227 =10,0,0,2,004,1 more#227 =198,51,100,1,4,1 more",
                "227 (10,0,0,2,4,1)#227 (198,51,100,1,4,1)",
            })
    void aPassiveReplyNamesTheVirtualAddress(String text, String rewritten) {
        assertTrue(passive(text + "\r\n"));
        assertEquals(0x401, helper.port());
        assertTrue(names("10.0.0.2"));
        assertFalse(names("10.0.0.3"));
        assertEquals(rewritten.length() - text.length(), replace("198.51.100.1", 0x401));
        harness.assertSound(0);
        assertEquals(rewritten + "\r\n", harness.text());
    }

    @Test
    void textsOfEachLengthAreReplacedByEachOther() {
        String[] addresses = {"1.2.3.4", "10.2.3.4", "100.20.3.4", "200.200.200.200"};
        int[] ports = {1, 255, 256, 0xffff, 0x0a64};
        for (String from : addresses) {
            for (int fromPort : ports) {
                for (String to : addresses) {
                    for (int toPort : ports) {
                        String begin = "227 Entering Passive Mode (";
                        String text = begin + numbers(from, fromPort);
                        assertTrue(passive(text + ").\r\nmore"));
                        assertEquals(fromPort, helper.port());
                        String expected = begin + numbers(to, toPort);
                        assertEquals(expected.length() - text.length(), replace(to, toPort));
                        harness.assertSound(0);
                        assertEquals(expected + ").\r\nmore", harness.text());
                    }
                }
            }
        }
    }

    private static String numbers(String address, int port) {
        return address.replace('.', ',') + "," + (port >> 8) + "," + (port & 255);
    }

    @Test
    void anExtendedPassiveReplyNamesAPort() {
        for (boolean inet6 : new boolean[] {false, true}) {
            put(inet6, "229 Entering Extended Passive Mode (|||6446|)\r\n");
            assertTrue(helper.announcesPassive(harness.batch, 0, harness.packet));
            assertEquals(6446, helper.port());
            assertTrue(names("10.0.0.2"), "none is named");
            assertEquals(0, replace("10.0.0.3", 6446));
            harness.assertSound(0);
            assertArrayEquals(harness.before(), harness.frame(0));
            assertEquals(1, replace("10.0.0.3", 16446));
            harness.assertSound(0);
            assertEquals("229 Entering Extended Passive Mode (|||16446|)\r\n", harness.text());
        }
        assertTrue(passive("229 extended (!1!10.0.0.2!99!)\r\n"));
        assertTrue(names("10.0.0.2"));
        assertFalse(names("::10.0.0.2"));
        assertEquals(-9, replace("198.51.100.1", 99));
        harness.assertSound(0);
        assertEquals("229 extended (!!!99!)\r\n", harness.text());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PORT 192,0,2,7,156,64\r\n",
                "port  192,0,2,7,156,64 \r\n",
                "PoRt 192,0,2,7,156,64\n",
                "EPRT |1|192.0.2.7|40000|\r\n",
                "eprt $1$192.0.2.7$40000$\r\n",
            })
    void anActiveCommandNamesTheClient(String text) {
        assertTrue(active(text));
        assertEquals(40_000, helper.port());
        assertTrue(names("192.0.2.7"));
        int grown = replace("10.20.30.40", 1025);
        harness.assertSound(0);
        String expected = text.replace("192,0,2,7,156,64", "10,20,30,40,4,1")
                .replace("192.0.2.7", "10.20.30.40")
                .replace("40000", "1025");
        assertEquals(expected, harness.text());
        assertEquals(expected.length() - text.length(), grown);
    }

    @Test
    void anActiveCommandMayNameTheOtherFamily() {
        put(true, "EPRT |2|2001:db8:1::7|5282|\r\n");
        assertTrue(helper.announcesActive(harness.batch, 0, harness.packet));
        assertTrue(names("2001:db8:1::7"));
        replace("10.0.0.1", 5282);
        harness.assertSound(0);
        assertEquals("EPRT |1|10.0.0.1|5282|\r\n", harness.text());
        assertTrue(active("EPRT |1|192.0.2.7|40000|\r\n"));
        replace("2001:db8::abcd:0:1", 7);
        harness.assertSound(0);
        assertEquals("EPRT |2|2001:db8:0:0:0:abcd:0:1|7|\r\n", harness.text());
        assertTrue(active("PORT 192,0,2,7,156,64\r\n"));
        assertEquals(FtpHelper.REFUSED, replace("2001:db8::1", 7), "six numbers have no room for it");
        assertArrayEquals(harness.before(), harness.frame(0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "227",
                "227 ",
                "227 Entering Passive Mode (10,0,0,2,4,1",
                "227 Entering Passive Mode (10,0,0,2,4",
                "227 Entering Passive Mode (10,0,0,2,4,\r\n",
                "227 Entering Passive Mode (10,0,0,2,4)\r\n",
                "227 Entering Passive Mode (10,0,0,256,4,1)\r\n",
                "227 Entering Passive Mode (10,0,0,2,0,0)\r\n",
                "227 Entering Passive Mode (10, 0,0,2,4,1)\r\n",
                "227 mode 2 (10,0,0,2,4,1)\r\n",
                "227 Entering\r\n(10,0,0,2,4,1)\r\n",
                "227-Entering Passive Mode (10,0,0,2,4,1)\r\n",
                " 227 Entering Passive Mode (10,0,0,2,4,1)\r\n",
                "220 hello\r\n227 Entering Passive Mode (10,0,0,2,4,1)\r\n",
                "229 Entering Extended Passive Mode (|||6446|",
                "229 Entering Extended Passive Mode (|||6446)\r\n",
                "229 Entering Extended Passive Mode (|||0|)\r\n",
                "229 Entering Extended Passive Mode (|||65536|)\r\n",
                "229 Entering Extended Passive Mode (|||99999999999|)\r\n",
                "229 Entering Extended Passive Mode (||6446|)\r\n",
                "229 Entering Extended Passive Mode (|1||6446|)\r\n",
                "229 Entering Extended Passive Mode (|3|10.0.0.2|6446|)\r\n",
                "229 Entering Extended Passive Mode (|2|10.0.0.2|6446|)\r\n",
                "229 Entering Extended Passive Mode (11164461)\r\n",
                "229 Entering Extended Passive Mode |||6446|\r\n",
                "PORT 192,0,2,7,156,64\r\n",
            })
    void whatIsNoReplyIsLeftAlone(String text) {
        assertFalse(passive(text), text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PORT",
                "PORT ",
                "PORT 192,0,2,7,156,64",
                "PORT 192,0,2,7,156,64x\r\n",
                "PORT 192,0,2,7,156,64,5\r\n",
                "PORT 192,0,2,7,156,0064\r\nPORT 1",
                "PORT192,0,2,7,156,64\r\n",
                "PORT\t192,0,2,7,156,64\r\n",
                "PORT (192,0,2,7,156,64)\r\n",
                "XPORT 192,0,2,7,156,64\r\n",
                "EPRT |||40000|\r\n",
                "EPRT |1|192.0.2.7|40000|",
                "EPRT |1|192.0.2.7|40000\r\n",
                "EPRT |1|192.0.2.7!40000|\r\n",
                "EPRT |2|192.0.2.7|40000|\r\n",
                "EPRT |1|::1|40000|\r\n",
                "EPRT |0|192.0.2.7|40000|\r\n",
                "EPRT \u007f1\u007f192.0.2.7\u007f40000\u007f\r\n",
                "PASV\r\n",
                "EPSV ALL\r\n",
                "227 Entering Passive Mode (10,0,0,2,4,1)\r\n",
            })
    void whatIsNoCommandIsLeftAlone(String text) {
        if (text.contains("0064")) {
            assertTrue(active(text), "leading zeros are still a number");
        } else {
            assertFalse(active(text), text);
        }
    }

    @Test
    void aLineInTwoPartsIsLeftAlone() {
        String text = "227 Entering Passive Mode (10,0,0,2,4,1)\r\n";
        for (int cut = 0; cut < text.indexOf(')') + 1; cut++) {
            assertEquals(FtpLine.NONE, read(text.substring(0, cut)));
        }
        String command = "EPRT |2|2001:db8::1|5282|\r";
        for (int cut = 0; cut < command.length(); cut++) {
            int end = load(command.substring(0, cut));
            assertEquals(FtpLine.NONE, line.readCommand(0, end), command.substring(0, cut));
        }
        assertEquals(FtpLine.EPRT, line.readCommand(0, load(command)));
        byte[] frame = SegmentHarness.segment(false)
                .tcpFlags(Transport.ACK)
                .payload(SegmentHarness.ascii(text))
                .build();
        harness.put(frame, frame.length - 2);
        assertFalse(helper.announcesPassive(harness.batch, 0, harness.packet), "in two frames");
    }

    private int load(String text) {
        // What stands behind must not be read.
        memory.fill((byte) '7');
        byte[] bytes = SegmentHarness.ascii(text);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return bytes.length;
    }

    private int read(String text) {
        return line.readReply(0, load(text));
    }

    /** The addresses that are read are those that the JDK reads, and no others. */
    @Test
    void readsIpv6AsOthersDo() {
        Random random = new Random(3);
        String[] parts = {"0", "1", "db8", "ffff", ":", ":", ":", "::", "1.2.3.4", "12345", "255.256.1.1", "Ab", "."};
        int good = 0;
        for (int round = 0; round < 400_000; round++) {
            StringBuilder text = new StringBuilder();
            if (random.nextInt(3) > 0) {
                // Nearly right.
                int groups = 1 + random.nextInt(9);
                int gap = random.nextInt(12);
                for (int i = 0; i < groups; i++) {
                    text.append(i == gap ? "::" : i > 0 && i - 1 != gap ? ":" : "");
                    text.append(
                            i == groups - 1 && random.nextInt(4) == 0
                                    ? "9.8.7.6"
                                    : Integer.toHexString(random.nextInt(65536)));
                }
                text.append(gap == groups ? "::" : "");
            } else {
                for (int i = random.nextInt(9); i >= 0; i--) {
                    text.append(parts[random.nextInt(parts.length)]);
                }
            }
            if (LONG_GROUP.matcher(text).find()) {
                // The JDK counts no digits.
                continue;
            }
            IpAddress expected = parse(text.toString());
            int found = line.readCommand(0, load("EPRT |2|" + text + "|7|\r\n"));
            assertEquals(expected != null ? FtpLine.EPRT : FtpLine.NONE, found, text.toString());
            if (expected != null) {
                good++;
                assertEquals(expected, IpAddress.ofInet6(line.high(), line.low()), text.toString());
            }
        }
        assertTrue(good > 20_000, "addresses: " + good);
    }

    private static @org.jspecify.annotations.Nullable IpAddress parse(String text) {
        try {
            IpAddress address = IpAddress.parse(text);
            return address.family() == AddressFamily.INET6 ? address : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Whatever comes, nothing outside the payload is read or named, and what is found can be replaced. */
    @Test
    void isNotLedAstray() {
        Random random = new Random(4);
        String[] seeds = {
            "227 Entering Passive Mode (10,0,0,2,4,1).\r\n",
            "229 Entering Extended Passive Mode (|||6446|)\r\n",
            "229 x (|2|2001:db8::1|6446|)\r\n",
            "PORT 192,0,2,7,156,64\r\n",
            "EPRT |1|192.0.2.7|40000|\r\n",
            "EPRT |2|2001:db8:1::7|5282|\r\n",
        };
        String alphabet = "0123456789,,,||:.() \r\n\0aF%";
        int found = 0;
        for (int round = 0; round < 300_000; round++) {
            StringBuilder text = new StringBuilder(seeds[random.nextInt(seeds.length)]);
            for (int changes = random.nextInt(4); changes > 0 && !text.isEmpty(); changes--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    case 1 -> text.deleteCharAt(at);
                    default -> text.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
                }
            }
            put(random.nextBoolean(), text.toString());
            boolean is = random.nextBoolean()
                    ? helper.announcesPassive(harness.batch, 0, harness.packet)
                    : helper.announcesActive(harness.batch, 0, harness.packet);
            if (is) {
                found++;
                assertTrue(helper.port() > 0 && helper.port() < 65536);
                int grown = replace(random.nextBoolean() ? "1.2.3.4" : "255.255.255.255", 1 + random.nextInt(65535));
                assertEquals(text.length() + grown, harness.payload(0).length);
                harness.assertSound(0);
            }
        }
        assertTrue(found > 50_000);
        byte[] noise = new byte[64];
        for (int round = 0; round < 100_000; round++) {
            random.nextBytes(noise);
            Wire.putI32(memory, 0, 0);
            MemorySegment.copy(noise, 0, memory, ValueLayout.JAVA_BYTE, 0, noise.length);
            MemorySegment.copy(
                    SegmentHarness.ascii(seeds[random.nextInt(seeds.length)]), 0, memory, ValueLayout.JAVA_BYTE, 0, 8);
            int end = 8 + random.nextInt(noise.length - 8);
            line.readReply(0, end);
            line.readCommand(0, end);
        }
    }

    @Test
    void whatWouldBeTooLargeIsRefused() {
        assertTrue(passive("227 Entering Passive Mode (1,0,0,2,4,1)\r\n" + "x".repeat(1500 - 40 - 41)));
        assertEquals(1500, harness.packet.ipLengthBytes());
        assertEquals(FtpHelper.REFUSED, replace("10.0.0.2", 0x401));
        assertArrayEquals(harness.before(), harness.frame(0));
        assertEquals(0, replace("2.0.0.2", 0x401));
        harness.assertSound(0);
    }
}
