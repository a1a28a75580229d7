package dev.sluice.control.realserver;

/**
 * One thing that a setup relies on, with the value it found.
 *
 * @param kind what it is
 * @param target which one
 * @param before the value before setup
 * @param after the value that setup gave it; equal to {@code before} where that did
 */
record Change(Kind kind, String target, String before, String after) {
    boolean changesSomething() {
        return !before.equals(after);
    }

    boolean isOf(Change other) {
        return kind == other.kind && target.equals(other.target);
    }

    String text() {
        return kind.text(target, before, after);
    }

    String undoText() {
        return kind.text(target, after, before);
    }
}
