/** Programs of the system that are run to their end. */
@NullMarked
package dev.sluice.control.command;

import org.jspecify.annotations.NullMarked;
