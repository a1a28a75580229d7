/** The admin socket: a Unix socket that speaks one JSON object a line, and the client for it. */
@NullMarked
package dev.sluice.control.admin;

import org.jspecify.annotations.NullMarked;
