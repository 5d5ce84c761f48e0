package build.kiln.runtime;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.registry.ProxySettings;
import build.kiln.runtime.registry.Trust;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/** The arrows between packages, as ARCHITECTURE.md shows them. */
class ArchitectureTest {
  private static final String ROOT = "build.kiln.runtime.";

  /** What each package may use of the others, besides the API types where it says {@code api}. */
  private static final Map<String, String> ARROWS =
      Map.ofEntries(
          Map.entry("posix", ""),
          Map.entry("oci", ""),
          Map.entry("layer", "posix oci"),
          Map.entry("store", "posix oci layer"),
          Map.entry("rootfs", "posix oci layer store"),
          Map.entry("dockerfile", "posix"),
          Map.entry("check", "oci dockerfile"),
          Map.entry("http", ""),
          Map.entry("registry", "oci http"),
          Map.entry("registry.embedded", "oci"),
          Map.entry("context", "api posix layer dockerfile registry"),
          Map.entry("sandbox", "api posix oci rootfs"),
          Map.entry(
              "build",
              "api posix oci layer store rootfs dockerfile check registry context sandbox cache ssh"),
          Map.entry("ssh", "posix"),
          Map.entry("cache", "oci layer store registry"),
          Map.entry("mirror", "api oci store registry"),
          Map.entry("cluster", "oci registry"),
          Map.entry("prune", "api oci registry cache cluster"),
          Map.entry("cri", ""),
          Map.entry("node", "api oci cri"),
          Map.entry("transport", "oci store registry mirror"),
          Map.entry("cli.manifest", "api oci dockerfile"),
          Map.entry("cli.progress", "api build"),
          Map.entry(
              "cli",
              "api posix oci layer store rootfs dockerfile check registry registry.embedded context sandbox cache ssh build mirror transport prune cluster cri node cli.manifest cli.progress"));

  @SuppressWarnings("unused") // read by FieldSource
  private static final List<Arguments> PACKAGES =
      ARROWS.entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .map(arrow -> Arguments.of(arrow.getKey(), arrow.getValue()))
          .toList();

  /** Libraries, and the packages that may know them. */
  @SuppressWarnings("unused") // read by FieldSource
  private static final List<Arguments> LIBRARIES =
      List.of(
          Arguments.of("java.lang.foreign..", "posix layer"),
          Arguments.of("org.eclipse.jgit..", "context"),
          Arguments.of("org.apache.sshd..", "context ssh"),
          Arguments.of("org.apache.hc..", "cri"),
          Arguments.of("com.github.luben..", "layer"),
          Arguments.of("org.apache.commons.compress..", "layer"),
          Arguments.of("org.tukaani..", "layer"),
          Arguments.of("org.yaml..", "cli.manifest"),
          Arguments.of("com.sun.net.httpserver..", "registry.embedded"),
          Arguments.of("picocli..", "cli"));

  /** This module's own classes, wherever they were compiled to, without its tests. */
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importUrl(ProxySettings.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void everyPackageHasItsArrows() {
    Set<String> found =
        CLASSES.stream()
            .map(JavaClass::getPackageName)
            .filter(name -> name.startsWith(ROOT))
            .map(name -> name.substring(ROOT.length()))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(ARROWS.keySet()).containsAll(found);
  }

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void packagesUseOnlyWhatTheyMay(String name, String mayUse) {
    String[] allowed =
        Stream.concat(Stream.of(name), Arrays.stream(mayUse.split(" ")))
            .map(used -> used.equals("api") ? "build.kiln.api.." : ROOT + used)
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(ROOT + name)
        .should()
        .dependOnClassesThat(
            resideInAPackage("build.kiln..")
                .and(not(JavaClass.Predicates.resideInAnyPackage(allowed))))
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  @ParameterizedTest
  @FieldSource("LIBRARIES")
  void aLibraryIsKnownToItsPackages(String library, String owners) {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            Stream.of(owners.split(" ")).map(o -> ROOT + o).toArray(String[]::new))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .check(CLASSES);
  }

  /** For annotations a JVM makes classes at each start; {@code cli.Syntax} says it in code. */
  @Test
  void theCommandLineIsNotDescribedByAnnotations() {
    DescribedPredicate<JavaClass> annotations =
        DescribedPredicate.describe("annotations", JavaClass::isAnnotation);
    noClasses()
        .should()
        .dependOnClassesThat(resideInAPackage("picocli..").and(annotations))
        .check(CLASSES);
  }

  /** A build file's source shares the network's settings, and nothing else, with registries. */
  @Test
  void contextsKnowOnlyTheNetworksSettingsOfRegistry() {
    DescribedPredicate<JavaClass> shared =
        DescribedPredicate.describe(
            "the network's settings",
            type -> type.isEquivalentTo(ProxySettings.class) || type.isEquivalentTo(Trust.class));
    noClasses()
        .that()
        .resideInAPackage(ROOT + "context")
        .should()
        .dependOnClassesThat(resideInAPackage("build.kiln.runtime.registry..").and(not(shared)))
        .check(CLASSES);
  }

  /**
   * A socket that a virtual thread waits for is watched by a thread that never comes back from the
   * kernel, and a JVM that ends waits 0.3 seconds for such threads.
   */
  @Test
  void noVirtualThreadTalksToARegistry() {
    DescribedPredicate<JavaMethodCall> virtual =
        DescribedPredicate.describe(
            "starts virtual threads",
            call -> call.getTarget().getName().matches("ofVirtual|.*VirtualThread.*"));
    noClasses()
        .that()
        .resideOutsideOfPackages(ROOT + "ssh", ROOT + "cli.progress", ROOT + "registry.embedded")
        .should()
        .callMethodWhere(virtual)
        .check(CLASSES);
  }

  @Test
  void noPackageDependsOnItselfThroughOthers() {
    slices().matching(ROOT + "(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void theOperatorIsUnknownHere() {
    noClasses()
        .that()
        .resideInAPackage("build.kiln.runtime..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("build.kiln.operator..")
        .check(CLASSES);
  }
}
