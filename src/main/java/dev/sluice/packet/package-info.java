/** Header codecs by absolute offset, checksums, the parser, and the address values they speak of. Depends on nothing. */
@NullMarked
package dev.sluice.packet;

import org.jspecify.annotations.NullMarked;
