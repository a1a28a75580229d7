package dev.sluice.control.keepalived;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The settings that hold in a block: its own, and those of the blocks around it. Of several of the same, the last counts.
 *
 * @param around null for the outermost
 * @param statements the block's own
 */
record Scope(@Nullable Scope around, List<Statement> statements) {
    /** The setting of one of these keywords that holds here. */
    Optional<Statement> find(String... keywords) {
        Optional<Statement> own = own(keywords);
        return own.isPresent() || around == null ? own : around.find(keywords);
    }

    /** As {@link #find}, of this block alone. */
    Optional<Statement> own(String... keywords) {
        return statements.stream()
                .filter(statement -> List.of(keywords).contains(statement.keyword()))
                .reduce((first, last) -> last);
    }
}
