package dev.sluice.service;

/**
 * What a virtual service does to connections of real servers that are reached by translation, {@link ForwardingMethod#NAT} and
 * {@link ForwardingMethod#FULLNAT}; of no meaning to others.
 *
 * @param pool from which FULLNAT's local addresses and ports come
 * @param clientAddress how FULLNAT's real servers learn the client's address; TCP only
 * @param synProxy whether the director completes handshakes itself, by SYN cookies, before a real server hears of a connection
 */
public record TranslationOptions(LocalPool pool, ClientAddress clientAddress, boolean synProxy) {
    /** No local addresses, and nothing else. */
    public static final TranslationOptions NONE = new TranslationOptions(LocalPool.NONE, ClientAddress.NONE, false);
}
