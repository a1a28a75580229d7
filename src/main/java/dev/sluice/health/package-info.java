/** Health checks: what is asked of real servers, when, and what the answers make of their state. */
@NullMarked
package dev.sluice.health;

import org.jspecify.annotations.NullMarked;
