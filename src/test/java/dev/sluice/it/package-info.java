/**
 * What the director promises, proved on the real program with real traffic: every test here runs {@code sluice run} in a
 * lab of network namespaces and looks at what clients, real servers and the wire see.
 */
@NullMarked
package dev.sluice.it;

import org.jspecify.annotations.NullMarked;
