/** The command line of ipvsadm 1.31, over the admin socket. Sees of the director only its admin client. */
@NullMarked
package dev.sluice.cli.ipvsadm;

import org.jspecify.annotations.NullMarked;
