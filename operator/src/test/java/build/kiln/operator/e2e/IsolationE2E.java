package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What RUN gets, and what it does not, under Pod Security. */
@EndToEnd
class IsolationE2E {
  private final Cluster cluster;

  IsolationE2E(Installation installation) {
    this.cluster = installation.cluster();
  }

  /**
   * A step that tries to get out, and notes each try's result; nothing here may succeed. It traces
   * (PTRACE_SEIZE) all but its own processes. The base has perl, for chroot(2) and ptrace(2).
   */
  private static final String ESCAPES =
      """
      dockerfile:
        inline: |
          FROM debian:trixie-slim
          RUN set -u; \\
            env | sort > /env; \\
            (cat /proc/1/environ 2>/dev/null | tr '\\0' '\\n' | grep -i -e kiln -e kubernetes -e java; true) > /init-environ; \\
            (ls -d /kiln /var/run/secrets 2>/dev/null; true) > /builder-files; \\
            mkdir -p /jail; \\
            perl -e 'chroot("/jail") or die "no chroot\\n"; for (1..64) { chdir ".." } chroot "."; print -e "/kiln/work/order.json" ? "escaped\\n" : "held\\n"' > /double-chroot 2>&1; \\
            (mknod /disk b 8 0 && echo made || echo refused) > /mknod-block 2>/dev/null; \\
            (mknod /mem c 1 1 && echo made || echo refused) > /mknod-mem 2>/dev/null; \\
            (for p in 1 $(seq 2 60); do [ -r /proc/$p/cmdline ] && tr '\\0' '\\n' < /proc/$p/cmdline | head -n 1 | grep java; done; true) > /builder-processes; \\
            number=101; [ "$(uname -m)" = aarch64 ] && number=117; \\
            (perl -e 'for (1..400) { next if $_ == $$ || $_ == getppid || $_ == $ARGV[1]; print "traced $_\\n" if syscall(0+$ARGV[0], 0x4206, $_, 0, 0) == 0; }' $number $$ 2>&1; true) > /ptrace; \\
            (mount -t tmpfs none /mnt 2>/dev/null && umount /mnt; true)
          CMD ["true"]
      isolation: %s
      """;

  @Test
  void baselineRunsInNamespaces() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("escape", ESCAPES.formatted("Namespaces"));

      var build = namespace.awaitReady("escape");

      assertAchieved(build, Isolation.Namespaces, Isolation.Namespaces);
      assertHeld(namespace, Builds.image(build));
    }
  }

  @Test
  void whereTheProfileForbidsNamespacesChrootHolds() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      // As clusters do that give every pod the runtime's default profile.
      Policies.deny(
          cluster,
          namespace,
          "profile",
          "has(object.spec.securityContext) && has(object.spec.securityContext.seccompProfile)"
              + " && object.spec.securityContext.seccompProfile.type == 'RuntimeDefault'"
              + " || has(object.spec.containers[0].securityContext)"
              + " && has(object.spec.containers[0].securityContext.seccompProfile)"
              + " && object.spec.containers[0].securityContext.seccompProfile.type == 'RuntimeDefault'",
          "every pod needs the RuntimeDefault seccomp profile");
      namespace.build("escape", ESCAPES.formatted("Auto"));

      var build = namespace.awaitReady("escape");

      assertAchieved(build, Isolation.Auto, Isolation.Chroot);
      Policies.lift(cluster, namespace, "profile");
      assertHeld(namespace, Builds.image(build));
    }
  }

  @Test
  void restrictedBuildsOnlyWithoutRun() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      namespace.build(
          "copy",
          """
          source: {inline: [{path: f, content: "copied"}]}
          dockerfile: {inline: "FROM busybox:1\\nWORKDIR /w\\nCOPY f /bin/f\\nENV A=b\\n"}
          """);
      namespace.build("run", "dockerfile: {inline: \"FROM busybox:1\\nRUN true\\n\"}\n");

      var copy = namespace.awaitReady("copy");
      assertAchieved(copy, Isolation.Auto, Isolation.NoRun);
      var run = namespace.awaitFailure("run", "IsolationUnavailable");
      assertThat(Builds.message(run)).contains("RUN", "Dockerfile:2:1");
    }
  }

  private static void assertAchieved(
      build.kiln.api.v1alpha1.ImageBuild build, Isolation requested, Isolation achieved) {
    var report = Objects.requireNonNull(Builds.platform(build).isolation());
    assertThat(report.requested()).isEqualTo(requested);
    assertThat(report.achieved()).as(String.valueOf(report.detail())).isEqualTo(achieved);
  }

  private void assertHeld(TestNamespace namespace, String image) {
    var found =
        namespace.runPod(
            image,
            "sh",
            "-c",
            "for f in env init-environ builder-files double-chroot mknod-block mknod-mem builder-processes ptrace; do echo \"== $f\"; cat /$f; done");
    assertThat(found)
        .doesNotContain("escaped", "made", "KUBERNETES", "KILN", "java", "traced", "/kiln");
    assertThat(found.split("== double-chroot\n", -1)[1]).matches("(?s)(held|no chroot).*");
  }
}
