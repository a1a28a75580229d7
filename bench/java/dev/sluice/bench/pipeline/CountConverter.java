package dev.sluice.bench.pipeline;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers as people write them: {@code 1000}, {@code 100k}, {@code 10M}. */
public final class CountConverter implements ITypeConverter<Integer> {
    private static final Pattern COUNT = Pattern.compile("([1-9][0-9]{0,8})([kM]?)");

    /** Called by picocli. */
    public CountConverter() {}

    @Override
    public Integer convert(String text) {
        Matcher matcher = COUNT.matcher(text);
        if (matcher.matches()) {
            long factor = switch (matcher.group(2)) {
                case "k" -> 1000;
                case "M" -> 1_000_000;
                default -> 1;
            };
            long value = Long.parseLong(matcher.group(1)) * factor;
            if (value <= Integer.MAX_VALUE) {
                return (int) value;
            }
        }
        throw new TypeConversionException("\"" + text + "\" is no number: write 1000, 100k or 10M");
    }
}
