/** The immutable model of what is balanced: virtual services, their real servers and how packets are forwarded. */
@NullMarked
package dev.sluice.service;

import org.jspecify.annotations.NullMarked;
