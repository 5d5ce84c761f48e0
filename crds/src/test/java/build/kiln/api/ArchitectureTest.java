package build.kiln.api;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import build.kiln.api.v1alpha1.ImageBuild;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;

/** The API's types stand alone: everything else depends on them. */
class ArchitectureTest {
  /** This module's own classes, wherever they were compiled to, without its tests. */
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importUrl(ImageBuild.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void theApiKnowsNothingThatUsesIt() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "build.kiln.api..",
            "java..",
            "com.fasterxml.jackson..",
            "io.fabric8..",
            "org.jspecify..")
        .check(CLASSES);
  }

  @Test
  void kindsDoNotKnowTheWorkOrder() {
    noClasses()
        .that()
        .resideInAPackage("build.kiln.api.v1alpha1")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("build.kiln.api.work")
        .check(CLASSES);
  }

  /** The API's types run where no cluster is: they bring no client along. */
  @Test
  void theApiTalksToNoCluster() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.fabric8.kubernetes.client.http..", "java.net.http..")
        .check(CLASSES);
  }
}
