/** Tests of the whole: the order of the packages, and the recordings of real IPVS that several packages are held against. */
@NullMarked
package dev.sluice;

import org.jspecify.annotations.NullMarked;
