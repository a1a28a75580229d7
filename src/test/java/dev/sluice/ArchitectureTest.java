package dev.sluice;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import java.util.List;

/** The packages' order: an import never points up the list. */
@AnalyzeClasses(packages = "dev.sluice", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
    /** Low to high. */
    private static final List<String> LAYERS = List.of(
            "ffi",
            "packet",
            "service",
            "schedule",
            "flow",
            "forward",
            "xsk",
            "bpf",
            "neighbour",
            "stats",
            "worker",
            "health",
            "control",
            "cli");

    private static final String[] DATAPATH = {
        "dev.sluice.packet..", "dev.sluice.schedule..", "dev.sluice.flow..", "dev.sluice.forward.."
    };

    private static String packageOf(String layer) {
        return "dev.sluice." + layer + "..";
    }

    @ArchTest
    static void importsNeverPointUp(JavaClasses all) {
        for (int i = 0; i < LAYERS.size() - 1; i++) {
            String[] higher = LAYERS.subList(i + 1, LAYERS.size()).stream()
                    .map(ArchitectureTest::packageOf)
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage(packageOf(LAYERS.get(i)))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(higher)
                    .allowEmptyShould(true)
                    .check(all);
        }
    }

    @ArchTest
    static void everyPackageHasItsPlaceInTheOrder(JavaClasses all) {
        classes()
                .should()
                .resideInAnyPackage(
                        LAYERS.stream().map(ArchitectureTest::packageOf).toArray(String[]::new))
                .check(all);
    }

    @ArchTest
    static void packetDependsOnNothing(JavaClasses all) {
        classes()
                .that()
                .resideInAPackage("dev.sluice.packet..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.sluice.packet..", "java..", "org.jspecify..")
                .check(all);
    }

    @ArchTest
    static void datapathSeesNeitherNativeCodeNorALogger(JavaClasses all) {
        noClasses()
                .that()
                .resideInAnyPackage(DATAPATH)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.sluice.ffi..", "java.util.logging..", "org.slf4j..", "org.apache.logging..")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(System.Logger.class)
                .check(all);
    }
}
