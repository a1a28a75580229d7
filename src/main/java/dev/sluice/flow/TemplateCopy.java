package dev.sluice.flow;

/**
 * What a place of the persistence table said when it was read. Owned by: whoever made it, who fills it again and again.
 */
public final class TemplateCopy {
    private int service;
    private int realServer;
    private long clientHigh;
    private long clientLow;
    private long remainingMs;

    /** Nothing read yet. */
    public TemplateCopy() {}

    void set(int newService, int newRealServer, long newClientHigh, long newClientLow, long newRemainingMs) {
        service = newService;
        realServer = newRealServer;
        clientHigh = newClientHigh;
        clientLow = newClientLow;
        remainingMs = newRemainingMs;
    }

    /** The service's id. */
    public int service() {
        return service;
    }

    /** The real server's id. */
    public int realServer() {
        return realServer;
    }

    /** The client's address under the service's netmask: its upper half, 0 for IPv4. */
    public long clientHigh() {
        return clientHigh;
    }

    /** The client's address under the service's netmask: its lower half, for IPv4 all of it. */
    public long clientLow() {
        return clientLow;
    }

    /** How long it lives on without a new connection, in milliseconds. */
    public long remainingMs() {
        return remainingMs;
    }
}
