package build.kiln.operator;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows between the operator's packages, and what stays out of the pure parts. */
@AnalyzeClasses(packages = "build.kiln.operator", importOptions = DoNotIncludeTests.class)
class PackagesTest {
  @ArchTest
  static final ArchRule noCycles =
      slices().matching("build.kiln.operator.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule reconcilersKnowNothingOfTheProcessAroundThem =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.*..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("build.kiln.operator");

  @ArchTest
  static final ArchRule settingsKnowNoReconciler =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.settings..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("build.kiln.operator.imagebuild..");

  /** The engine runs in builder pods; the operator shares only the API with it. */
  @ArchTest
  static final ArchRule noEngineInTheOperator =
      noClasses().should().dependOnClassesThat().resideInAPackage("build.kiln.runtime..");

  /** What decides is a function of its arguments: no client, no clock, no logs. */
  @ArchTest
  static final ArchRule decidingIsPure =
      noClasses()
          .that()
          .haveNameMatching(
              ".*\\.imagebuild\\.(Decider|Action|Decision|History|Backoff|JobReader|PodFailures|Blockers|NextStatus|RunEdit|Conditions|Limits|TierChoice|JobTemplate|PodMounts|PodShape|OrderMap|Inputs|Names|Validation|Announcement)(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .haveNameMatching(
              "io\\.fabric8\\.kubernetes\\.client\\.(KubernetesClient|dsl\\..*)|io\\.javaoperatorsdk\\..*|java\\.time\\.Clock|org\\.slf4j\\..*|java\\.nio\\.file\\.Files");
}
