package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Manifests become images that a node runs. */
@EndToEnd
class BuildsE2E {
  private final Cluster cluster;

  BuildsE2E(Cluster cluster, Installation installation) {
    this.cluster = installation.cluster();
    assertThat(this.cluster).isSameAs(cluster);
  }

  @Test
  void helloFromItsExample() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.apply(Example.manifest("hello", namespace));

      var build = namespace.awaitReady("hello");

      var repository = namespace.repository("examples") + "/hello";
      assertThat(Builds.image(build)).isEqualTo(repository + "@" + Builds.digest(build));
      assertThat(RegistryProbe.digest(cluster, namespace.name() + "/examples/hello", "latest"))
          .isEqualTo(Builds.digest(build));
      assertThat(RegistryProbe.digest(cluster, namespace.name() + "/examples/hello", "run-1"))
          .isEqualTo(Builds.digest(build));
      assertThat(namespace.runPod(Builds.image(build))).isEqualTo("Hello, Kiln!\n");
      var isolation = Objects.requireNonNull(Builds.platform(build).isolation());
      assertThat(isolation.requested()).isEqualTo(Isolation.Auto);
      assertThat(isolation.achieved()).isEqualTo(Isolation.Namespaces);
      assertThat(Builds.newestRun(build).steps()).isNotEmpty();
      assertThat(namespace.kubectl("get", "kbuild", "hello"))
          .contains("READY", "REASON", "STEP", "IMAGE", "AGE", "True", "Succeeded", repository);
    }
  }

  @Test
  void multiStageFromItsExample() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.apply(Example.manifest("multi-stage", namespace));

      var build = namespace.awaitReady("multi-stage");

      assertThat(namespace.runPod(Builds.image(build))).isEqualTo("42\n");
    }
  }

  @Test
  void fromAConfigMapByItsExample() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.apply(Example.manifest("configmap", namespace));

      var build = namespace.awaitReady("from-configmap");

      assertThat(namespace.runPod(Builds.image(build), "cat", "/www/index.html"))
          .isEqualTo("<h1>Built from a ConfigMap</h1>\n");
      assertThat(namespace.runPod(Builds.image(build), "sh", "-c", "stat -c %a /www/health.sh"))
          .isEqualTo("755\n");
    }
  }

  @Test
  void namedContextsAndAnArgumentByTheirExample() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.apply(Example.manifest("contexts", namespace));

      var build = namespace.awaitReady("contexts");

      assertThat(namespace.runPod(Builds.image(build), "cat", "/www/index.html"))
          .isEqualTo("<h1>From a context of its own</h1>\n");
    }
  }

  @Test
  void fromAGitBranchAndACommit() throws Exception {
    var push = new GitPush("http://" + cluster.hostAddress(Service.GIT) + "/team/app.git");
    var first =
        push.commit(
                Map.of(
                    "Dockerfile",
                    "FROM busybox:1\nCOPY version /version\nCMD [\"cat\", \"/version\"]\n",
                    "version",
                    "one\n"))
            .push("main");
    push.commit(
            Map.of(
                "Dockerfile",
                "FROM busybox:1\nCOPY version /version\nCMD [\"cat\", \"/version\"]\n",
                "version",
                "two\n"))
        .push("main");
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.apply(Example.manifest("git", namespace));
      namespace.build(
          "by-commit",
          """
          source: {git: {url: "http://%s/team/app.git", revision: %s}}
          """
              .formatted(Service.GIT.address(), first));

      var branch = namespace.awaitReady("from-git");
      var commit = namespace.awaitReady("by-commit");

      assertThat(namespace.runPod(Builds.image(branch))).isEqualTo("two\n");
      assertThat(namespace.runPod(Builds.image(commit))).isEqualTo("one\n");
      assertThat(Builds.newestRun(commit).revision()).isEqualTo(first);
      var revision = Objects.requireNonNull(Builds.newestRun(branch).revision());
      assertThat(revision).matches("[0-9a-f]{40}");
      assertThat(
              RegistryProbe.digest(
                  cluster, namespace.name() + "/examples/from-git", revision.substring(0, 7)))
          .isEqualTo(Builds.digest(branch));
    }
  }

  @Test
  void aSecretReachesTheStepThatMountsItAndNothingElse() throws Exception {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build(
          "secret",
          """
          dockerfile:
            inline: |
              FROM busybox:1
              RUN --mount=type=secret,id=npm,env=NPM --mount=type=secret,id=npm,required wc -c < /run/secrets/npm > /n && test "$NPM" = s3cret
              RUN ! test -e /run/secrets && ! env | grep s3cret && ! grep -rs s3cret /n /etc /tmp /kiln
              CMD ["cat", "/n"]
          secrets: [{id: npm, secretRef: {name: npm, key: token}}]
          """);
      namespace.awaitFailure("secret", "SecretNotFound");
      namespace.kubectl("create", "secret", "generic", "npm", "--from-literal=token=s3cret");

      var build = namespace.awaitReady("secret");
      assertThat(namespace.runPod(Builds.image(build))).isEqualTo("6\n");
    }
  }

  @Test
  void aPrivateRepositoryAndAPrivateRegistry() throws Exception {
    new GitPush(
            "http://" + cluster.hostAddress(Service.GIT) + "/private/app.git",
            new org.eclipse.jgit.transport.UsernamePasswordCredentialsProvider(
                Service.USER, Service.PASSWORD))
        .commit(Map.of("Dockerfile", "FROM busybox:1\nRUN echo private > /p\n"))
        .push("main");
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      var registry = Service.PRIVATE_REGISTRY.address();
      namespace.kubectl(
          "create",
          "secret",
          "docker-registry",
          "login",
          "--docker-server=" + registry,
          "--docker-username=" + Service.USER,
          "--docker-password=" + Service.PASSWORD);
      namespace.kubectl(
          "create",
          "secret",
          "generic",
          "git",
          "--from-literal=username=" + Service.USER,
          "--from-literal=password=" + Service.PASSWORD);
      namespace.build(
          "first",
          """
          source: {git: {url: "http://%s/private/app.git", secretRef: {name: git}}}
          output: {image: "%s/%s/first", secretRef: {name: login}}
          """
              .formatted(Service.GIT.address(), registry, namespace.name()));
      var first = namespace.awaitReady("first");

      // The image just pushed is the private base of the next.
      namespace.build(
          "second",
          """
          dockerfile: {inline: "FROM %1$s/%2$s/first\\nRUN cat /p > /q\\nCMD [cat, /q]\\n"}
          registrySecrets: [{name: login}]
          """
              .formatted(registry, namespace.name()));

      var second = namespace.awaitReady("second");
      assertThat(Builds.image(first)).startsWith(registry + "/");
      assertThat(namespace.runPod(Builds.image(second), "cat", "/q")).isEqualTo("private\n");
    }
  }
}
