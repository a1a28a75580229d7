/** What a real server needs around it: its setup on the host it runs on, what of that still holds, and its undoing. */
@NullMarked
package dev.sluice.control.realserver;

import org.jspecify.annotations.NullMarked;
