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
          .resideInAnyPackage(
              "build.kiln.operator.job..",
              "build.kiln.operator.scheduled..",
              "build.kiln.operator.imagebuild..",
              "build.kiln.operator.imagemirror..",
              "build.kiln.operator.imagepruning..");

  /** Kinds share what is in job and scheduled, and know nothing of each other. */
  @ArchTest
  static final ArchRule jobsKnowNoKind =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.job..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "build.kiln.operator.scheduled..",
              "build.kiln.operator.imagebuild..",
              "build.kiln.operator.imagemirror..",
              "build.kiln.operator.imagepruning..");

  @ArchTest
  static final ArchRule schedulesKnowNoKind =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.scheduled..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "build.kiln.operator.imagebuild..",
              "build.kiln.operator.imagemirror..",
              "build.kiln.operator.imagepruning..");

  @ArchTest
  static final ArchRule kindsKnowNoOtherKind =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.imagebuild..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "build.kiln.operator.imagemirror..",
              "build.kiln.operator.imagepruning..",
              "build.kiln.operator.scheduled..");

  @ArchTest
  static final ArchRule mirrorsKnowNoBuilds =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.imagemirror..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("build.kiln.operator.imagebuild..");

  @ArchTest
  static final ArchRule policiesKnowNoOtherKind =
      noClasses()
          .that()
          .resideInAPackage("build.kiln.operator.imagepruning..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "build.kiln.operator.imagebuild..", "build.kiln.operator.imagemirror..");

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
              ".*\\.(imagebuild|imagemirror|imagepruning|scheduled|job)\\.(Action|Announcement|Announcements|Backoff|Blockers|BuildOrders|BuildReader|Conditions|Cron|Decider|Decision|FinishedJobs|History|Inputs|Jobs|MirrorKind|JobReader|JobSpec|JobState|JobTemplate|Limits|MirrorReader|Names|NextStatus|NodeChoice|NodeEnd|NodeJobs|NodeSum|Orders|PodFailures|PodFiles|PodMounts|Pods|PodShape|Retries|RunEdit|SpecHash|Timing|TierChoice|Validation|WantedSecrets)(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .haveNameMatching(
              "io\\.fabric8\\.kubernetes\\.client\\.(KubernetesClient|dsl\\..*)|io\\.javaoperatorsdk\\..*|java\\.time\\.Clock|org\\.slf4j\\..*|java\\.nio\\.file\\.Files");
}
