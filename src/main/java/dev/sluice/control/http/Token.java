package dev.sluice.control.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Set;

/**
 * The token that actions need, from a file that is read for each of them: so it can be changed without a restart, and a file
 * that has become readable for others stops them. Any thread.
 */
final class Token {
    /** As many as 96 bits take in hexadecimal digits. */
    static final int MIN_CHARACTERS = 24;

    private static final int MAX_BYTES = 4096;
    private static final String ALLOWED = "allowed: one line of at least " + MIN_CHARACTERS
            + " printable ASCII characters, as openssl rand -hex 24 prints";

    private final Path file;

    Token(Path file) {
        this.file = file;
    }

    /**
     * The token.
     *
     * @throws IOException with a message for people when there is none to be had
     */
    byte[] read() throws IOException {
        Set<PosixFilePermission> permissions;
        byte[] bytes;
        try {
            if (!Files.isRegularFile(file) && Files.exists(file)) {
                throw new IOException("is no file");
            }
            permissions = Files.getPosixFilePermissions(file);
            try (InputStream in = Files.newInputStream(file)) {
                bytes = in.readNBytes(MAX_BYTES);
            }
        } catch (IOException e) {
            throw new IOException("token_file " + file + " cannot be read: " + reason(e), e);
        }
        if (permissions.contains(PosixFilePermission.OTHERS_READ)
                || permissions.contains(PosixFilePermission.OTHERS_WRITE)
                || permissions.contains(PosixFilePermission.GROUP_WRITE)) {
            throw new IOException("token_file " + file
                    + " can be read by everybody or written by its group; allowed: mode 0600, 0640 or less");
        }
        String token = new String(bytes, StandardCharsets.ISO_8859_1).strip();
        if (token.length() < MIN_CHARACTERS || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new IOException("token_file " + file + " holds no token; " + ALLOWED);
        }
        return token.getBytes(StandardCharsets.US_ASCII);
    }

    private static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such file";
            case AccessDeniedException _ -> "permission denied";
            default -> String.valueOf(e.getMessage());
        };
    }

    /** Whether this is the token; takes as long whatever it is. */
    boolean is(String candidate) throws IOException {
        return MessageDigest.isEqual(digest(read()), digest(candidate.getBytes(StandardCharsets.UTF_8)));
    }

    /** Of one length, so that a comparison tells nothing of the token's. */
    private static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new LinkageError("every JDK has SHA-256", e);
        }
    }
}
