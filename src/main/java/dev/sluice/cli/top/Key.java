package dev.sluice.cli.top;

/** What a key asks for. */
enum Key {
    QUIT,
    SUSPEND,
    HELP,
    SERVICES,
    WORKERS,
    DROPS,
    NEXT_VIEW,
    PREVIOUS_VIEW,
    SORT_LEFT,
    SORT_RIGHT,
    REVERSE,
    IDLE,
    COLLAPSE,
    PAUSE,
    SLOWER,
    FASTER,
    UP,
    DOWN,
    PAGE_UP,
    PAGE_DOWN,
    HOME,
    END,
    NONE;

    /** The help, a line each. */
    static final String[] HELP_TEXT = {
        "  1 2 3 Tab     services, workers, drops",
        "  < >           sort by the column on the left, on the right; by none at the ends",
        "  R             the other way round",
        "  i             hide what is idle, show it again",
        "  c             services without their real servers, and with them again",
        "  + -           longer, shorter interval",
        "  p or Space    stop the figures, let them run again",
        "  arrows, Page Up, Page Down, Home, End   scroll",
        "  Ctrl-Z        back to the shell for a while (fg)",
        "  q, Ctrl-C     quit",
        "",
        "  Rates are of the last interval, by the director's clock. bps are bits of IP packets.",
        "  With dr and tun replies go past the director: it counts what clients send.",
    };

    /** Of a character that stands for itself. */
    static Key of(int character) {
        return switch (character) {
            case 'q', 'Q', 3 -> QUIT;
            case 26 -> SUSPEND;
            case 'h', '?' -> HELP;
            case '1', 's' -> SERVICES;
            case '2', 'w' -> WORKERS;
            case '3', 'd' -> DROPS;
            case '\t' -> NEXT_VIEW;
            case '<' -> SORT_LEFT;
            case '>' -> SORT_RIGHT;
            case 'R', 'r' -> REVERSE;
            case 'i' -> IDLE;
            case 'c' -> COLLAPSE;
            case 'p', ' ' -> PAUSE;
            case '+', '=' -> SLOWER;
            case '-' -> FASTER;
            case 'k' -> UP;
            case 'j' -> DOWN;
            default -> NONE;
        };
    }

    /**
     * Of what a terminal sends behind ESC for keys that have no character: {@code [A}, {@code OA}, {@code [5~}.
     *
     * @param sequence without the ESC
     */
    static Key ofSequence(String sequence) {
        return switch (sequence) {
            case "[A", "OA" -> UP;
            case "[B", "OB" -> DOWN;
            case "[C", "OC" -> SORT_RIGHT;
            case "[D", "OD" -> SORT_LEFT;
            case "[5~" -> PAGE_UP;
            case "[6~" -> PAGE_DOWN;
            case "[H", "OH", "[1~", "[7~" -> HOME;
            case "[F", "OF", "[4~", "[8~" -> END;
            case "[Z" -> PREVIOUS_VIEW;
            default -> NONE;
        };
    }
}
