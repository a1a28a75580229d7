package dev.sluice.stats;

import org.jspecify.annotations.Nullable;

/**
 * One connection, or one persistence template, as {@code ipvsadm -Lc} shows it.
 *
 * @param protocol {@code TCP}, {@code UDP}, {@code SCTP}, {@code AH}, {@code ESP}; {@code IP} for a template of a firewall mark
 * @param state IPVS's name of its state
 * @param expiresMs how long it lives on if nothing comes, in milliseconds
 * @param family {@code inet} or {@code inet6}: of the client and the VIP
 * @param client CIP, under the service's netmask for a template
 * @param clientPort CPORT, 0 for a template
 * @param virtual the VIP; for a template of a firewall mark the mark, as the first four octets of an address
 * @param virtualPort VPORT
 * @param destination the RIP; null when it is not known any more
 * @param destinationPort the port that the real server answers on
 * @param local LIP, from which the director speaks to the real server by FULLNAT; null by other methods
 * @param localPort LPORT, 0 where there is no LIP
 * @param template whether it is a template
 * @param service its virtual service, {@code TCP 10.0.0.100:80} or {@code FWM 1}; null when it is not known any more
 * @param method how packets reach the real server; null for one that was removed
 * @param queue the queue of the worker that has it, -1 for a template
 * @param idleMs how long ago its last packet came, 0 for a template
 * @param packets packets of its client's, modulo 2³²
 * @param bytes bytes of its IP packets, both ways as far as they pass the director
 */
public record ConnectionStats(
        String protocol,
        String state,
        long expiresMs,
        String family,
        String client,
        int clientPort,
        String virtual,
        int virtualPort,
        @Nullable String destination,
        int destinationPort,
        @Nullable String local,
        int localPort,
        boolean template,
        @Nullable String service,
        @Nullable String method,
        int queue,
        long idleMs,
        long packets,
        long bytes) {}
