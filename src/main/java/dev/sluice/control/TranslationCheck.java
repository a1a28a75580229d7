package dev.sluice.control;

import dev.sluice.control.ChangeException.Code;
import dev.sluice.control.config.TranslationRules;
import dev.sluice.service.VirtualService;
import java.util.List;
import java.util.stream.Collectors;

/** Checks what is configured by {@link TranslationRules}, which hold for commands as for files. */
final class TranslationCheck {
    private TranslationCheck() {}

    /**
     * Checks that services, real servers and local addresses go together, when all edits of a change are made: in between they
     * may not.
     *
     * @throws ChangeException for those that do not, a line each
     */
    static void check(Registry registry) throws ChangeException {
        List<TranslationRules.Subject> subjects = registry.services().stream()
                .map(service -> subject(registry, service))
                .toList();
        List<TranslationRules.Problem> problems =
                TranslationRules.problems(registry.localPool(), subjects, registry.fwmarkRules());
        if (!problems.isEmpty()) {
            throw new ChangeException(
                    Code.INVALID,
                    problems.stream().map(TranslationRules.Problem::text).collect(Collectors.joining("\n")));
        }
    }

    /** A service as the rules look at it. */
    static TranslationRules.Subject subject(Registry registry, VirtualService service) {
        return new TranslationRules.Subject(
                service.key(),
                service.translation(),
                registry.allRealServers(service).stream()
                        .map(real -> new TranslationRules.Target(real.address(), real.port(), real.method()))
                        .toList());
    }
}
