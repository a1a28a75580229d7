/** How all commands find the director that they speak to. */
@NullMarked
package dev.sluice.cli.socket;

import org.jspecify.annotations.NullMarked;
