/**
 * Routes, next hops and their MAC addresses by rtnetlink: the kernel decides where a packet for a real server goes, and
 * this package asks it, remembers the answer and follows every change.
 */
@NullMarked
package dev.sluice.neighbour;

import org.jspecify.annotations.NullMarked;
