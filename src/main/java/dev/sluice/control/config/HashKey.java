package dev.sluice.control.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The 128-bit secret of the flow hash. Whoever knows it can choose ports that all lead to one real server or to one
 * bucket of the connection table, so it never shows in output. Directors that take each other's traffic over, and one
 * director before and after a restart, must use the same key, or the same flow leads to different real servers.
 *
 * @param high the first sixteen hex digits as a number
 * @param low the last sixteen hex digits as a number
 */
public record HashKey(long high, long low) {
    /** Where systemd and D-Bus keep the identity of the installation, see machine-id(5). */
    public static final Path MACHINE_ID = Path.of("/etc/machine-id");

    private static final String PURPOSE = "dev.sluice.hash_key";

    /**
     * Reads 32 hex digits.
     *
     * @throws IllegalArgumentException for anything else
     */
    public static HashKey parse(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        if (bytes.length != 16) {
            throw new IllegalArgumentException("not 32 hex digits");
        }
        return ofBytes(bytes);
    }

    /**
     * The key of this machine: the same at every start, unknown to others. HMAC-SHA256 of a fixed name under the machine
     * id, since machine-id(5) asks to never use the id itself.
     *
     * @param machineId {@link #MACHINE_ID}
     * @return empty where there is no such id, as in many containers
     */
    public static Optional<HashKey> ofMachine(Path machineId) {
        try {
            String id = Files.readString(machineId, StandardCharsets.US_ASCII).strip();
            if (!id.matches("[0-9a-f]{32}")) {
                return Optional.empty();
            }
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(HexFormat.of().parseHex(id), "HmacSHA256"));
            return Optional.of(ofBytes(mac.doFinal(PURPOSE.getBytes(StandardCharsets.US_ASCII))));
        } catch (IOException e) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every Java platform has HmacSHA256", e);
        }
    }

    private static HashKey ofBytes(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new HashKey(buffer.getLong(), buffer.getLong());
    }

    /** Does not tell the key. */
    @Override
    public String toString() {
        return "HashKey[secret]";
    }
}
