/** Tests of what runs other forwarders. */
@NullMarked
package dev.sluice.bench.peer;

import org.jspecify.annotations.NullMarked;
