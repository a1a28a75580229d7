package dev.sluice.health;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of TLS as a probe wants it: server name indication (RFC 6066 section 3), whom it trusts, ALPN. Owned by the
 * check's thread.
 */
final class TlsClient {
    private static final TrustManager[] ANYBODY = {new TrustAnybody()};
    private static final String[] NO_PROTOCOLS = {};

    private final Probe.Tls tls;
    private final String[] protocols;
    private TrustManager @Nullable [] trusted;
    private @Nullable FileTime trustedOf;

    TlsClient(Probe.Tls tls, String... protocols) {
        this.tls = tls;
        this.protocols = protocols.length == 0 ? NO_PROTOCOLS : protocols.clone();
    }

    /** For one connection. It resumes no session of an earlier one, so that each check sees the certificate. */
    SSLEngine engine() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, tls.verify() ? trusted() : ANYBODY, null);
            String name = tls.serverName();
            SSLEngine engine = name == null ? context.createSSLEngine() : context.createSSLEngine(name, 0);
            engine.setUseClientMode(true);
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setApplicationProtocols(protocols);
            if (name != null) {
                if (!isAddress(name)) {
                    parameters.setServerNames(List.of(new SNIHostName(name)));
                }
                if (tls.verify()) {
                    parameters.setEndpointIdentificationAlgorithm("HTTPS");
                }
            }
            engine.setSSLParameters(parameters);
            return engine;
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new NotMadeException("TLS cannot be set up: " + FailureText.lowerCase(e));
        }
    }

    /** Addresses are no server names (RFC 6066), but certificates may be for them. */
    private static boolean isAddress(String name) {
        return name.indexOf(':') >= 0 || name.matches("[0-9.]+");
    }

    private TrustManager @Nullable [] trusted() throws IOException, GeneralSecurityException {
        if (tls.caFile() == null) {
            return null;
        }
        Path file = Path.of(tls.caFile());
        try {
            FileTime time = Files.getLastModifiedTime(file);
            if (trusted == null || !time.equals(trustedOf)) {
                trusted = read(file);
                trustedOf = time;
            }
            return trusted;
        } catch (IOException | GeneralSecurityException e) {
            throw new NotMadeException("ca_file " + file + " cannot be read: " + FailureText.lowerCase(e));
        }
    }

    private static TrustManager[] read(Path file) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            int number = 0;
            for (Certificate certificate : certificates) {
                store.setCertificateEntry("ca" + number++, certificate);
            }
            if (number == 0) {
                throw new IOException("no certificate in it");
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    /** For {@code verify = false}: whether a server answers matters, not who it is. */
    private static final class TrustAnybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
