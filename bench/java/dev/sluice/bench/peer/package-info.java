/** Other forwarders, to be measured beside Sluice. */
@NullMarked
package dev.sluice.bench.peer;

import org.jspecify.annotations.NullMarked;
