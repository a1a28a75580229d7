/**
 * A thin, typed layer over the generated bindings: errno capture, ownership of native resources, and errors that
 * name the call, its arguments and its errno. No policy lives here.
 */
@NullMarked
package dev.sluice.ffi;

import org.jspecify.annotations.NullMarked;
