package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Mirrors between two registries in the cluster, in namespaces of Pod Security restricted. */
@EndToEnd
class MirrorsE2E {
  private static final String EVERY_NIGHT = "schedule: \"30 2 * * *\"";
  private static final String EVERY_MINUTE = "schedule: \"* * * * *\"";

  private final Cluster cluster;

  MirrorsE2E(Installation installation) {
    this.cluster = installation.cluster();
  }

  @Test
  void theDestinationFollowsTheSourceOnSchedule() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      var mirrors = new Mirrors(cluster, namespace);
      mirrors.push(Images.BUSYBOX, "app", "3.19.0");
      mirrors.push(Images.BUSYBOX, "app", "3.18.0");
      mirrors.push(Images.BUSYBOX, "app", "latest");
      mirrors.login(Service.PASSWORD);
      namespace.apply(
          mirrors
              .manifest("app", "deletions: Sync", "maxDeletionPercent: 100")
              .replace(EVERY_NIGHT, EVERY_MINUTE));

      var first = mirrors.awaitReady("app");
      assertThat(first.observed()).isEqualTo(2);
      assertThat(first.copied()).isEqualTo(2);
      assertThat(first.nextSync()).isNotNull();
      assertThat(mirrors.mirrored("app", "3.19.0")).contains(mirrors.sourceDigest("app", "3.19.0"));
      assertThat(mirrors.mirrored("app", "3.18.0")).isEmpty();

      mirrors.push(Images.DEBIAN, "app", "latest");
      var moved = mirrors.sourceDigest("app", "latest");
      var second =
          mirrors.await(
              "app",
              "has the moved tag",
              status ->
                  mirrors.mirrored("app", "latest").filter(moved::equals).isPresent()
                      && Mirrors.ready(status)
                          .filter(ready -> "True".equals(ready.getStatus()))
                          .isPresent());
      assertThat(Mirrors.run(second).cause()).isEqualTo(Cause.Schedule);

      RegistryProbe.delete(
          cluster, namespace.name() + "/app", mirrors.sourceDigest("app", "3.19.0"));
      namespace.kubectl("annotate", "kmirror", "app", "kiln.build/sync=now");
      mirrors.await(
          "app",
          "has seen the annotation and the tag is gone",
          status ->
              "now".equals(status.lastHandledSync())
                  && Mirrors.run(status).finished()
                  && mirrors.mirrored("app", "3.19.0").isEmpty());
      assertThat(mirrors.mirrored("app", "latest")).contains(moved);
      assertThat(namespace.kubectl("get", "events")).contains("MirrorSucceeded");
      assertThat(namespace.kubectl("get", "kmirror", "app")).contains("Succeeded");
    }
  }

  @Test
  void theApiTakesWhatTheDocumentationShows() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      var shown =
          Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL)
              .matcher(Example.text("docs/mirroring.md"))
              .results()
              .map(block -> block.group(1))
              .toList();
      assertThat(shown).hasSizeGreaterThanOrEqualTo(3);
      for (var manifest : shown) {
        cluster
            .kubectl()
            .withInput(manifest, "-n", namespace.name(), "apply", "--dry-run=server", "-f", "-")
            .orThrow();
      }
    }
  }

  @Test
  void aWrongLoginIsToldAndItsCorrectionIsSeen() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      var mirrors = new Mirrors(cluster, namespace);
      mirrors.push(Images.BUSYBOX, "app", "latest");
      mirrors.login("wrong");
      namespace.apply(mirrors.manifest("app"));

      var stalled = mirrors.awaitCondition("app", "Stalled");
      assertThat(Mirrors.ready(stalled).orElseThrow().getReason()).isEqualTo("Unauthorized");
      assertThat(Mirrors.ready(stalled).orElseThrow().getMessage())
          .contains(Service.PRIVATE_REGISTRY.address())
          .doesNotContain("wrong");

      mirrors.login(Service.PASSWORD);
      var ready = mirrors.awaitReady("app");
      assertThat(Mirrors.run(ready).cause()).isEqualTo(Cause.SecretChanged);
      assertThat(mirrors.mirrored("app", "latest")).contains(mirrors.sourceDigest("app", "latest"));
    }
  }

  @Test
  void aPodThatIsKilledIsFollowedByAnotherThatGoesOn() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      var mirrors = new Mirrors(cluster, namespace);
      mirrors.push(Images.BUSYBOX, "app", "3.20.0");
      mirrors.login(Service.PASSWORD);
      namespace.apply(
          mirrors.manifest("app", "bandwidth: 2Mi").replace("    include: [latest]\n", ""));
      assertThat(Mirrors.run(mirrors.awaitReady("app")).number()).isEqualTo(1);
      mirrors.push(Images.DEBIAN, "app", "3.19.0");
      namespace.kubectl("annotate", "kmirror", "app", ImageMirror.SYNC_ANNOTATION + "=again");
      var pod = mirrors.awaitPod("app");
      assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();

      namespace.kubectl(
          "delete", "pod", pod.getMetadata().getName(), "--grace-period=0", "--force");

      var ended = mirrors.awaitRunAfter("app", 1);
      assertThat(Mirrors.run(ended).number()).isEqualTo(2);
      assertThat(Mirrors.ready(ended).orElseThrow().getStatus()).isEqualTo("True");
      assertThat(ended.upToDate()).isEqualTo(1);
      assertThat(ended.copied()).isEqualTo(1);
      assertThat(mirrors.mirrored("app", "3.19.0")).contains(mirrors.sourceDigest("app", "3.19.0"));
    }
  }

  @Test
  void whatMayNotBeIsRefusedOrTold() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      var mirrors = new Mirrors(cluster, namespace);
      mirrors.push(Images.BUSYBOX, "app", "latest");
      mirrors.login(Service.PASSWORD);
      for (var schedule : List.of("61 * * * *", "* * * *", "@often", "* * * * 8", "* * L * *")) {
        assertThat(
                namespace.refused(
                    mirrors
                        .manifest("app")
                        .replace(EVERY_NIGHT, "schedule: \"%s\"".formatted(schedule))))
            .contains("schedule must be five cron fields");
      }
      namespace.apply(mirrors.manifest("app").replace("Europe/Zurich", "Europe/Zurch"));
      var invalid = mirrors.awaitCondition("app", "Stalled");
      assertThat(Mirrors.ready(invalid).orElseThrow().getReason()).isEqualTo("SpecInvalid");
      assertThat(Mirrors.ready(invalid).orElseThrow().getMessage()).contains("spec.timeZone");

      // Each namespace may mirror to its own repositories only.
      namespace.apply(
          mirrors
              .manifest("app")
              .replace(mirrors.prefix(), Service.PRIVATE_REGISTRY.address() + "/others"));
      mirrors.await(
          "app",
          "is not allowed",
          status ->
              Mirrors.ready(status)
                  .filter(ready -> "RegistryNotAllowed".equals(ready.getReason()))
                  .isPresent());
      namespace.apply(mirrors.manifest("app"));
      mirrors.awaitReady("app");

      assertThat(may("create", "imagemirrors.kiln.build", namespace, "edit")).isTrue();
      assertThat(may("create", "imagemirrors.kiln.build", namespace, "view")).isFalse();
      assertThat(may("get", "imagemirrors.kiln.build", namespace, "view")).isTrue();
      assertThat(mayOperator("update", "imagemirrors.kiln.build", "status")).isTrue();
      assertThat(mayOperator("update", "imagemirrors.kiln.build", "")).isFalse();
      assertThat(mayOperator("list", "secrets", "")).isFalse();

      namespace.kubectl("delete", "kmirror", "app", "--wait=true");
      await()
          .atMost(TestNamespace.PATIENCE)
          .until(() -> Objects.equals(namespace.kubectl("get", "jobs,pods", "-o", "name"), ""));
      assertThat(mirrors.mirrored("app", "latest")).isPresent();
    }
  }

  /** Whether somebody with one of Kubernetes' own roles in a namespace may do something there. */
  private boolean may(String verb, String resource, TestNamespace namespace, String role) {
    var user = role + "-of-" + namespace.name();
    cluster
        .kubectl()
        .run(
            "-n",
            namespace.name(),
            "create",
            "rolebinding",
            role,
            "--clusterrole=" + role,
            "--user=" + user);
    return can(verb, resource, "", "--as=" + user, "-n", namespace.name());
  }

  private boolean mayOperator(String verb, String resource, String subresource) {
    return can(
        verb,
        resource,
        subresource,
        "--as=system:serviceaccount:%s:kiln".formatted(Installation.NAMESPACE),
        "--all-namespaces");
  }

  private boolean can(String verb, String resource, String subresource, String... who) {
    var arguments = new ArrayList<>(List.of("auth", "can-i", verb, resource));
    if (!subresource.isEmpty()) {
      arguments.add("--subresource=" + subresource);
    }
    arguments.addAll(List.of(who));
    return cluster
        .kubectl()
        .run(arguments.toArray(String[]::new))
        .output()
        .lines()
        .anyMatch("yes"::equals);
  }
}
