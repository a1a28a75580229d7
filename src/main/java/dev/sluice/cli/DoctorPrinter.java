package dev.sluice.cli;

import dev.sluice.control.doctor.Finding;
import dev.sluice.control.doctor.Report;
import dev.sluice.control.doctor.Severity;
import java.io.PrintWriter;

/** Prints what the doctor found for people. */
final class DoctorPrinter {
    private final PrintWriter out;

    DoctorPrinter(PrintWriter out) {
        this.out = out;
    }

    void print(Report report) {
        out.println("looked at " + report.source());
        report.looked().forEach(line -> out.println("  " + line));
        report.notLooked().forEach(line -> out.println("  not looked at: " + line));
        for (Finding finding : report.findings()) {
            out.println();
            out.println(finding.severity().label() + " " + finding.id() + ": " + finding.what());
            finding.follows().ifPresent(cause -> out.println("  follows from: " + cause));
            finding.evidence().forEach(line -> out.println("  seen:  " + line));
            finding.advice().forEach(line -> out.println("  to do: " + line));
        }
        out.println();
        out.println(summary(report));
        out.flush();
    }

    private static String summary(Report report) {
        if (report.findings().isEmpty()) {
            return report.notLooked().isEmpty() ? "all of that is fine" : "all that was looked at is fine";
        }
        long infos = report.count(Severity.INFO);
        return counted(report.count(Severity.ERROR), "error") + ", "
                + counted(report.count(Severity.WARNING), "warning")
                + (infos == 0 ? "" : ", " + infos + " worth knowing");
    }

    private static String counted(long count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }
}
