/**
 * AF_XDP sockets: the UMEM with its frames, the pool of free frames, the four rings in pure Java, and the socket that
 * joins them to one queue of one interface. All of it belongs to one worker; nothing here locks.
 */
@NullMarked
package dev.sluice.xsk;

import org.jspecify.annotations.NullMarked;
