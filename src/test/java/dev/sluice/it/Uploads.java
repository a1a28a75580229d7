package dev.sluice.it;

import dev.sluice.testing.LabFixture;
import java.nio.file.Path;

/** Uploads of random bytes to a server that answers with their digest. */
final class Uploads {
    private Uploads() {}

    /** Starts the server on a host, for all of its addresses. */
    static void serve(LabFixture lab, String host, int port) {
        Path log = lab.state().resolve(host + "-upload-" + port + ".log");
        lab.start(log, host, "/usr/bin/python3", "-u", "-c", SERVER, "" + port);
    }

    /** Uploads from the client: {@code same} when all bytes arrived as they were. */
    static String upload(LabFixture lab, String vip, int port, int bytes) {
        return lab.exec("client", "/usr/bin/python3", "-c", CLIENT, vip, "" + port, "" + bytes)
                .orFail()
                .strip();
    }

    /** Sends random bytes and compares the digest that comes back. */
    private static final String CLIENT = """
            import hashlib, os, socket, sys
            data = os.urandom(int(sys.argv[3]))
            with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as sock:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                digest = sock.recv(100)
            print("same" if digest == hashlib.sha256(data).digest() else "other")
            """;

    /** Answers each connection with the digest of all that came, on both VIPs. */
    private static final String SERVER = """
            import hashlib, socket, sys
            server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
            while True:
                sock, _ = server.accept()
                digest = hashlib.sha256()
                while data := sock.recv(1 << 20):
                    digest.update(data)
                sock.sendall(digest.digest())
                sock.close()
            """;
}
