/** The director's log: how lines look, and how many there can be. */
@NullMarked
package dev.sluice.cli.log;

import org.jspecify.annotations.NullMarked;
