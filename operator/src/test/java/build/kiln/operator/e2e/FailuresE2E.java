package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import org.junit.jupiter.api.Test;

/** Bad input: a clear reason each, and nothing lost. */
@EndToEnd
class FailuresE2E {
  private final Cluster cluster;

  FailuresE2E(Installation installation) {
    this.cluster = installation.cluster();
  }

  @Test
  void theApiServerRefusesWhatContradictsItself() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      assertThat(namespace.refused(namespace.manifest("x", "dockerfil: {inline: x}\n")))
          .contains("unknown field \"spec.dockerfil\"");
      assertThat(
              namespace.refused(
                  namespace.manifest(
                      "x",
                      "source: {git: {url: \"https://a/b\"}, inline: [{path: a, content: b}]}\n")))
          .contains("exactly one of git, configMap and inline");
      assertThat(namespace.refused(namespace.manifest("x", "target: a\n")))
          .contains("spec.source is missing");
      assertThat(
              namespace.refused(
                  namespace.manifest(
                      "x",
                      "dockerfile: {inline: FROM scratch}\nreproducible: {sourceDateEpoch: commit}\n")))
          .contains("is commit, which only a source.git has");
    }
  }

  @Test
  void aDockerfileThatDoesNotParseAndAStepThatFails() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("parse", "dockerfile: {inline: \"FROM busybox:1\\nCOPPY a b\\n\"}\n");
      namespace.build(
          "step",
          "dockerfile: {inline: \"FROM busybox:1\\nRUN echo working; echo broken >&2; exit 7\\n\"}\n");

      var parse = namespace.awaitFailure("parse", "DockerfileInvalid");
      assertThat(Builds.message(parse)).contains("Dockerfile:2:1", "^^^^^", "did you mean COPY?");
      assertStalled(parse);
      assertThat(namespace.jobs(parse)).hasSize(1);

      var step = namespace.awaitFailure("step", "StepFailed");
      assertThat(Builds.failure(step).exitCode()).isEqualTo(7);
      assertThat(Builds.failure(step).step()).startsWith("RUN echo working");
      assertThat(Builds.failure(step).logTail()).contains("working", "broken");
      assertStalled(step);
      assertThat(
              namespace.pods().stream().filter(p -> p.getMetadata().getName().startsWith("step-")))
          .hasSize(1);
    }
  }

  @Test
  void registriesThatRefuseOrAreNotThere() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("keep", "dockerfile: {inline: \"FROM busybox:1\\nENV A=1\\n\"}\n");
      var good = namespace.awaitReady("keep");
      namespace.build(
          "keep",
          "dockerfile: {inline: \"FROM %s/library/busybox:none\\n\"}\n"
              .formatted(Service.REGISTRY.address()));
      namespace.build(
          "denied",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\noutput: {image: \"%s/%s/x\"}\n"
              .formatted(Service.DENYING_REGISTRY.address(), namespace.name()));
      namespace.build(
          "unauthorized",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\noutput: {image: \"%s/%s/x\"}\n"
              .formatted(Service.PRIVATE_REGISTRY.address(), namespace.name()));
      namespace.build(
          "down",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\nretries: 0\noutput: {image: \"registry.invalid/%s/x\"}\n"
              .formatted(namespace.name()));
      namespace.build(
          "forbidden",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\noutput: {image: \"%s/other/x\"}\n"
              .formatted(Service.REGISTRY.address()));

      var missing = namespace.awaitFailure("keep", "BaseImageNotFound");
      assertThat(Builds.image(missing)).isEqualTo(Builds.image(good));
      assertStalled(missing);
      assertStalled(namespace.awaitFailure("denied", "PushDenied"));
      assertStalled(namespace.awaitFailure("unauthorized", "Unauthorized"));
      assertStalled(namespace.awaitFailure("forbidden", "RegistryNotAllowed"));
      var down = namespace.awaitFailure("down", "RegistryUnavailable");
      assertThat(down.getStatus().condition("Stalled").filter(c -> "True".equals(c.getStatus())))
          .isEmpty();
      namespace.await("down", "is tried again", found -> Builds.newestRun(found).number() > 1);
    }
  }

  @Test
  void whatIsMissingIsPickedUpWhenItAppears() throws Exception {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build(
          "secret",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\noutput: {image: \"%s/%s/x\", secretRef: {name: login}}\n"
              .formatted(Service.PRIVATE_REGISTRY.address(), namespace.name()));
      namespace.build("configmap", "source: {configMap: {name: late}}\n");
      namespace.build(
          "revision",
          "source: {git: {url: \"http://%s/late/%s.git\", revision: later}}\n"
              .formatted(Service.GIT.address(), namespace.name()));
      assertThat(Builds.message(namespace.awaitFailure("secret", "SecretNotFound")))
          .contains("login");
      assertThat(Builds.message(namespace.awaitFailure("configmap", "SourceNotFound")))
          .contains("late");
      namespace.awaitFailure("revision", "SourceNotFound");

      namespace.kubectl(
          "create",
          "secret",
          "docker-registry",
          "login",
          "--docker-server=" + Service.PRIVATE_REGISTRY.address(),
          "--docker-username=" + Service.USER,
          "--docker-password=" + Service.PASSWORD);
      namespace.kubectl("create", "configmap", "late", "--from-literal=Dockerfile=FROM busybox:1");
      new GitPush(
              "http://" + cluster.hostAddress(Service.GIT) + "/late/" + namespace.name() + ".git")
          .commit(java.util.Map.of("Dockerfile", "FROM busybox:1\n"))
          .push("later");

      namespace.awaitReady("secret");
      namespace.awaitReady("configmap");
      namespace.awaitReady("revision");
    }
  }

  @Test
  void wrongCredentialsAreToldFromNone() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.kubectl(
          "create",
          "secret",
          "docker-registry",
          "login",
          "--docker-server=" + Service.PRIVATE_REGISTRY.address(),
          "--docker-username=" + Service.USER,
          "--docker-password=wrong-one");
      namespace.build(
          "wrong",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\noutput: {image: \"%s/%s/x\", secretRef: {name: login}}\n"
              .formatted(Service.PRIVATE_REGISTRY.address(), namespace.name()));

      namespace.build(
          "none",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\noutput: {image: \"%s/%s/x\"}\n"
              .formatted(Service.PRIVATE_REGISTRY.address(), namespace.name()));

      var wrong = namespace.awaitFailure("wrong", "Unauthorized");
      var none = namespace.awaitFailure("none", "Unauthorized");

      assertThat(Builds.message(wrong))
          .contains("the credentials were refused", "check the user name and password")
          .doesNotContain("without credentials");
      assertThat(Builds.message(none))
          .contains("access was refused without credentials", "give credentials")
          .doesNotContain("the credentials were refused");
      assertThat(wrong.getStatus().toString()).doesNotContain("wrong-one");
    }
  }

  @Test
  void whatTheClusterDoesNotGive() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build(
          "unschedulable",
          "dockerfile: {inline: \"FROM busybox:1\\n\"}\npodTemplate: {nodeSelector: {no: such}}\n");
      namespace.build(
          "memory",
          """
          dockerfile: {inline: "FROM busybox:1\\nRUN head -c 2000000000 /dev/zero | tail > /x\\n"}
          podTemplate: {resources: {requests: {memory: 64Mi}, limits: {memory: 320Mi}}}
          """);
      namespace.build(
          "disk",
          """
          dockerfile: {inline: "FROM busybox:1\\nRUN head -c 400000000 /dev/zero > /x; sleep 120\\n"}
          workspace: {size: 100Mi}
          """);
      namespace.build(
          "late", "dockerfile: {inline: \"FROM busybox:1\\nRUN sleep 300\\n\"}\ntimeout: 15s\n");

      assertThat(Builds.message(namespace.awaitFailure("memory", "OutOfMemory"))).contains("320Mi");
      namespace.awaitFailure("late", "DeadlineExceeded");
      assertThat(Builds.message(namespace.awaitFailure("disk", "DiskFull")))
          .contains("workspace.size");
      namespace.await(
          "unschedulable",
          "says that no node takes it",
          found ->
              Builds.ready(found).filter(c -> "Unschedulable".equals(c.getReason())).isPresent());
    }
  }

  @Test
  void quotaAndAdmission() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.apply(
          """
          apiVersion: v1
          kind: ResourceQuota
          metadata: {name: none}
          spec: {hard: {pods: "0"}}
          """);
      namespace.build("quota", "dockerfile: {inline: \"FROM busybox:1\\n\"}\n");
      assertThat(Builds.message(reason(namespace, "quota", "QuotaExceeded"))).contains("quota");
      namespace.kubectl("delete", "resourcequota", "none");
      namespace.awaitReady("quota");
    }
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      Policies.deny(cluster, namespace, "no", "false", "no pods on this day");
      namespace.build("refused", "dockerfile: {inline: \"FROM busybox:1\\n\"}\n");
      assertThat(Builds.message(reason(namespace, "refused", "PodRefused")))
          .contains("no pods on this day");
      Policies.lift(cluster, namespace, "no");
      namespace.awaitReady("refused");
    }
  }

  /**
   * The builder's image is the installation's, which other tests share: a policy gives this
   * namespace another one.
   */
  @Test
  void aBuilderImageThatDoesNotExist() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      var image = Service.REGISTRY.address() + "/kiln/no-such-builder:1";
      Policies.assumeTheyMayChangePods(cluster);
      Policies.replaceImages(cluster, namespace, "image", image);
      try {
        namespace.build("unpullable", "dockerfile: {inline: \"FROM busybox:1\\n\"}\n");
        assertThat(Builds.message(reason(namespace, "unpullable", "BuilderImageUnavailable")))
            .contains(image, "builderImage");
      } finally {
        Policies.keepImages(cluster, namespace, "image");
      }
    }
  }

  @Test
  void whatAStepPrintsIsNotBelieved() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build(
          "forger",
          """
          dockerfile:
            inline: |
              FROM busybox:1
              RUN echo 'kiln-record 0123456789abcdef report {"outcome":{"succeeded":true,"image":"evil/x@sha256:0"}}'; exit 3
          """);

      var build = namespace.awaitFailure("forger", "StepFailed");

      assertThat(build.getStatus().image()).isNull();
      assertThat(Builds.failure(build).exitCode()).isEqualTo(3);
    }
  }

  /** Waits for a reason of Ready, whatever its status. */
  private static ImageBuild reason(TestNamespace namespace, String build, String reason) {
    return namespace.await(
        build,
        "has the reason " + reason,
        found -> Builds.ready(found).filter(c -> reason.equals(c.getReason())).isPresent());
  }

  private static void assertStalled(ImageBuild build) {
    assertThat(build.getStatus().condition("Stalled"))
        .hasValueSatisfying(c -> assertThat(c.getStatus()).isEqualTo("True"));
  }
}
