/** What the integration tests share: network namespaces that come and go with a test, and raw packets in them. */
@NullMarked
package dev.sluice.testing;

import org.jspecify.annotations.NullMarked;
