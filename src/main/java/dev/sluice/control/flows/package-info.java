/** Finds, orders and counts connections in the workers' tables for whoever asks on the admin socket. */
@NullMarked
package dev.sluice.control.flows;

import org.jspecify.annotations.NullMarked;
