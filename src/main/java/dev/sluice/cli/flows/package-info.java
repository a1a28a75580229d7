/** {@code sluice flows}: connections, filtered, sorted and counted. */
@NullMarked
package dev.sluice.cli.flows;

import org.jspecify.annotations.NullMarked;
