/** What integration tests share: network namespaces of their own, and commands run inside them. */
@NullMarked
package dev.sluice.testing;

import org.jspecify.annotations.NullMarked;
