/**
 * Reads configurations of keepalived, as keepalived.conf(5) describes them, and writes down as Sluice's own what they say of
 * virtual servers. What cannot be carried over is named, with its file and line.
 */
@NullMarked
package dev.sluice.control.keepalived;

import org.jspecify.annotations.NullMarked;
