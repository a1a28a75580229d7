/**
 * What a director shows by HTTP: metrics in the formats of Prometheus, and the stats page with what it needs. Nothing here
 * counts anything but for the page's history; everything is made from readings of the director's own counters.
 */
@NullMarked
package dev.sluice.control.http;

import org.jspecify.annotations.NullMarked;
