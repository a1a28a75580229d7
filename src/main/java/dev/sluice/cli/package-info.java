/** The command line: what users type, what they read, and the exit codes that scripts go by. */
@NullMarked
package dev.sluice.cli;

import org.jspecify.annotations.NullMarked;
