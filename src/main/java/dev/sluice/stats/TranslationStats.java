package dev.sluice.stats;

import java.util.List;

/**
 * What a service does to connections that are translated.
 *
 * @param localAddresses from which FULLNAT speaks to real servers, single ones and ranges
 * @param localPorts their ports, {@code first-last}
 * @param ownLocalAddresses whether they are the service's own, and not the director's for all services
 * @param clientAddress how real servers by FULLNAT learn the client's address
 * @param synProxy whether the director completes handshakes itself
 */
public record TranslationStats(
        List<String> localAddresses,
        String localPorts,
        boolean ownLocalAddresses,
        String clientAddress,
        boolean synProxy) {}
