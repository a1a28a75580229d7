/**
 * The configuration file: immutable records of what it may say, and a strict TOML reader that reports every problem of a
 * file at once, each with its line and column. Nothing here touches the system.
 */
@NullMarked
package dev.sluice.control.config;

import org.jspecify.annotations.NullMarked;
