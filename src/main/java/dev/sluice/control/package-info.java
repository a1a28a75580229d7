/**
 * The director as a whole: what it is made of, in which order that starts and stops, and the control thread that keeps
 * the workers' snapshots in step with configuration, routes and neighbours.
 */
@NullMarked
package dev.sluice.control;

import org.jspecify.annotations.NullMarked;
