package dev.sluice.health;

import java.io.EOFException;
import java.io.IOException;
import java.net.BindException;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** What went wrong with a check, as an operator would say it, and whose fault it is. */
final class FailureText {
    /** Errors of the C library, as the JDK words them, that say nothing of the peer. */
    private static final List<String> OF_THIS_SIDE = List.of(
            "Too many open files",
            "No buffer space available",
            "Cannot allocate memory",
            "Cannot assign requested address",
            "Address already in use",
            "Operation not permitted",
            "Permission denied",
            "Protocol family unavailable",
            "Address family not supported by protocol");

    private FailureText() {}

    /** The result of a check that ended with an exception. */
    static CheckResult result(IOException e, Deadline deadline) {
        if (e instanceof UnhealthyException) {
            return CheckResult.unhealthy(message(e));
        }
        if (e instanceof NotMadeException) {
            return CheckResult.notMade(message(e));
        }
        if (e instanceof SocketTimeoutException) {
            return CheckResult.unhealthy(deadline.text());
        }
        if (e instanceof SSLException tls) {
            return CheckResult.unhealthy("TLS: " + tls(tls));
        }
        if (e instanceof PortUnreachableException) {
            return CheckResult.unhealthy("port unreachable");
        }
        if (e instanceof EOFException) {
            return CheckResult.unhealthy("connection closed by the server, no " + message(e));
        }
        if (e instanceof BindException || OF_THIS_SIDE.stream().anyMatch(message(e)::contains)) {
            return CheckResult.notMade(lowerCase(e));
        }
        return CheckResult.unhealthy(lowerCase(e));
    }

    private static String tls(SSLException e) {
        CertificateExpiredException expired = cause(e, CertificateExpiredException.class);
        if (expired != null) {
            return "certificate has expired (" + message(expired) + ")";
        }
        CertificateNotYetValidException early = cause(e, CertificateNotYetValidException.class);
        if (early != null) {
            return "certificate is not valid yet (" + message(early) + ")";
        }
        if (message(e).contains("unable to find valid certification path")) {
            return "certificate is of no authority that is trusted";
        }
        CertPathValidatorException path = cause(e, CertPathValidatorException.class);
        if (path != null) {
            return "certificate is not trusted: " + lowerCase(path);
        }
        CertificateException certificate = cause(e, CertificateException.class);
        if (certificate != null) {
            return "certificate does not fit: " + lowerCase(certificate);
        }
        if (message(e).toLowerCase(Locale.ROOT).contains("unrecognized ssl message")) {
            return "the server does not speak it on this port";
        }
        String alert = message(e).replaceFirst("^(\\([a-z_]+\\) )?Received fatal alert: ", "");
        return alert.equals(message(e)) ? lowerCase(e) : "the server refuses the handshake: " + alert;
    }

    private static <T extends Throwable> @Nullable T cause(Throwable of, Class<T> kind) {
        for (Throwable cause = of; cause != null; cause = cause.getCause()) {
            if (kind.isInstance(cause)) {
                return kind.cast(cause);
            }
        }
        return null;
    }

    private static String message(Throwable e) {
        String message = e.getMessage();
        return message == null || message.isEmpty() ? e.getClass().getSimpleName() : message;
    }

    /** The message for the middle of a sentence: with a small letter in front unless it begins with an abbreviation. */
    static String lowerCase(Throwable e) {
        String message = message(e);
        boolean word = message.length() > 1 && Character.isLowerCase(message.charAt(1));
        return word ? message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1) : message;
    }
}
