package dev.sluice.control.preflight;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of a kernel's release that says what it can do.
 *
 * @param major 6 of 6.1.0-18-amd64
 * @param minor 1 of 6.1.0-18-amd64
 */
record KernelVersion(int major, int minor) implements Comparable<KernelVersion> {
    private static final Pattern RELEASE = Pattern.compile("^(\\d+)\\.(\\d+)");

    static KernelVersion parse(String release) {
        Matcher matcher = RELEASE.matcher(release);
        if (!matcher.find()) {
            throw new IllegalArgumentException("\"" + release + "\" is no kernel release");
        }
        return new KernelVersion(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
    }

    @Override
    public int compareTo(KernelVersion other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
