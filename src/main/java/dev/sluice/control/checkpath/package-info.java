/**
 * Health checks through the forwarding path: sockets in a network namespace of their own, whose packets go to a chosen real
 * server as a client's would.
 */
@NullMarked
package dev.sluice.control.checkpath;

import org.jspecify.annotations.NullMarked;
