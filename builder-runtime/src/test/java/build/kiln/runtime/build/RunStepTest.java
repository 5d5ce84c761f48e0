package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.context.InlineContext;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.sandbox.ForeignPrograms;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Builds with RUN steps, in each tier that runs any. */
@ParameterizedClass
@EnumSource(names = {"Namespaces", "Chroot"})
class RunStepTest extends TierTest {
  private static final String FOREIGN = "linux/riscv64";

  /** How an ELF executable of riscv64 begins. */
  private static final byte[] RISCV64 = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, (byte) 243, 0, 1, 0, 0, 0
  };

  RunStepTest(Isolation tier) {
    super(tier);
  }

  @Test
  void whatAStepChangesIsTheLayer() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s
            RUN mkdir -p /x/y && echo hello > /x/y/f && chmod 4750 /x/y/f && ln -s f /x/y/l && ln /x/y/f /x/hard
            RUN rm -r /x/y && mkdir /x/y && echo new > /x/y/g && rm /tmp -r
            """
                .formatted(busybox));

    assertThat(built.files())
        .contains("4750 0:0 x/hard \"hello\"", "0644 0:0 x/y/g \"new\"")
        .noneMatch(line -> line.contains("x/y/f") || line.contains(" tmp"));
    assertThat(built.layers()).hasSize(3);
  }

  /** Neither for the step after one that is known, nor for files that are copied from a stage. */
  @Test
  void layersThatAreUnpackedAreNotReadAgain() throws Exception {
    Assumptions.assumeTrue(
        tier == Isolation.Namespaces && bench.store().layers().kept("user.overlay.").isPresent(),
        "nothing stays unpacked in this tier, or on this file system");
    String dockerfile =
        """
        FROM %s AS base
        RUN seq 1 100000 > /a
        RUN cp /a /b && echo %s
        FROM scratch
        COPY --from=base /b /%s
        """;
    Built first = bench.build(dockerfile.formatted(busybox, 1, "x"));
    var base = bench.build("FROM " + busybox).layers().getFirst();
    bench.restart();
    Files.delete(bench.store().blobPath(base.descriptor().digest()));

    Built second = bench.build(dockerfile.formatted(busybox, 2, "y"));

    assertThat(second.text("y")).isNotEmpty().isEqualTo(first.text("x"));
    assertThat(bench.store().has(base.descriptor())).as("the base was pulled again").isFalse();
  }

  /** What a command writes is dated by it, so a given time is the latest that a file may have. */
  @Test
  void aGivenTimeMakesWhatCommandsWriteTheSame() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000")));
    String dockerfile =
        "FROM %s\nRUN mkdir -p /x/y && echo a > /x/y/f && ln -s f /x/l && rm /etc/group\nRUN cp -a /x /z"
            .formatted(busybox);

    Built first = bench.build(dockerfile);
    bench.freshStore();

    assertThat(bench.build(dockerfile).digest()).isEqualTo(first.digest());
  }

  @Test
  void buildingTwiceFindsWhatACommandDoesInAnotherWay() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000")));
    String same = "FROM %s\nRUN echo same > /same && mkdir /d\n".formatted(busybox);

    assertThat(difference(same)).isEmpty();
    assertThat(
            difference(same + "RUN echo 8bytes; head -c 8 /dev/urandom > /d/random")
                .map(ImageDifference::text))
        .hasValueSatisfying(
            text ->
                assertThat(text)
                    .startsWith(
                        "two builds differ in layer 3 of 3, made by RUN /bin/sh -c echo 8bytes; head"
                            + " -c 8 /dev/urandom > /d/random: /d/random\n  content: differs from byte "));
    assertThat(
            difference(same + "RUN touch /now && stat -c %Y /now > /now")
                .map(ImageDifference::path))
        .hasValue("/now");
  }

  private Optional<ImageDifference> difference(String dockerfile) throws Exception {
    try (var context = LocalContext.open(bench.contextFolder())) {
      return bench.difference(dockerfile, context, RunStepTest::awaitAnotherSecond);
    }
  }

  /** Later than the first build, however long that took. */
  private static void awaitAnotherSecond() {
    long now = System.currentTimeMillis() / 1000;
    Awaitility.await().until(() -> System.currentTimeMillis() / 1000 > now);
  }

  @Test
  void aStepFromTheCacheHasTheTimeOfThisBuildsContext() throws Exception {
    String dockerfile = "FROM %s\nRUN echo a > /f".formatted(busybox);
    bench.build(dockerfile, new CommittedContext(InlineContext.of(List.of()), 1600000000));

    Built cached =
        bench.build(dockerfile, new CommittedContext(InlineContext.of(List.of()), 1700000000));

    assertThat(bench.lastStepCached()).isTrue();
    assertThat(cached.config().created()).isEqualTo("2023-11-14T22:13:20Z");
  }

  /** Images with systemd have such links. What they lead to is not for the sandbox to make. */
  @Test
  void filesOfTheSandboxMayBeLinksInTheBase() throws Exception {
    String linked =
        bench.base(
            "linked:1",
            sink -> {
              busybox().writeTo(sink);
              sink.add(EntryMeta.symlink("etc/hosts", "/etc/group", 0, 0, 1));
              sink.add(EntryMeta.symlink("etc/resolv.conf", "../run/stub/resolv.conf", 0, 0, 1));
            },
            container());
    Built built =
        bench.build(
            """
            FROM %s
            RUN cat /etc/hosts > /hosts
            RUN cat /etc/resolv.conf > /resolv.conf
            RUN echo more >> /etc/passwd
            """
                .formatted(linked));

    assertThat(built.text("hosts")).contains("localhost");
    assertThat(built.files())
        .contains("0777 0:0 etc/hosts -> /etc/group")
        .contains("0777 0:0 etc/resolv.conf -> ../run/stub/resolv.conf")
        .noneMatch(line -> line.contains(" run/"));
    assertThat(built.text("etc/group")).startsWith("root:");
    assertThat(built.topLayer()).hasSize(2).last().asString().contains("etc/passwd");
  }

  @Test
  void aStepSeesItsEnvironmentUserAndDirectoryAndNothingElse() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s
            ARG V=arg
            ENV E="an env" V2=$V
            WORKDIR /work
            RUN chmod 777 /work
            USER app
            RUN env | grep -v -e SHLVL -e PWD > env; id > id; pwd > pwd
            USER 7:8
            RUN id > id2
            """
                .formatted(busybox));

    assertThat(Objects.requireNonNull(built.text("work/env")).lines())
        .containsExactlyInAnyOrder("PATH=/bin", "E=an env", "V2=arg", "V=arg", "HOME=/home/app");
    assertThat(built.text("work/id")).isEqualTo("uid=1000(app) gid=1001 groups=50(staff),1001\n");
    assertThat(built.text("work/pwd")).isEqualTo("/work\n");
    assertThat(built.text("work/id2")).isEqualTo("uid=7 gid=8 groups=8\n");
  }

  @Test
  void execFormShellAndHereDocuments() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s
            RUN ["sh", "-c", "echo $0 $1 > /exec", "a b", "c"]
            SHELL ["/bin/sh", "-e", "-c"]
            RUN <<E
            echo one > /doc
            echo two >> /doc
            E
            RUN <<E
            #!/bin/sh
            echo "$0" > /script
            E
            RUN cat <<A > /a && cat <<B > /b
            1
            A
            2
            B
            """
                .formatted(busybox));

    assertThat(built.text("exec")).isEqualTo("a b c\n");
    assertThat(built.text("doc")).isEqualTo("one\ntwo\n");
    assertThat(built.text("script")).isEqualTo("/dev/pipes/E\n");
    assertThat(built.text("a")).isEqualTo("1\n");
    assertThat(built.text("b")).isEqualTo("2\n");
    assertThat(built.files()).noneMatch(line -> line.contains(" dev"));
  }

  @Test
  void aFailingStepTellsItsCodeAndLastLines() {
    BuildException failure =
        catchThrowableOfType(
            BuildException.class,
            () ->
                bench.build(
                    "FROM "
                        + busybox
                        + "\nRUN for i in $(seq 100); do echo line $i; done; echo oops >&2; exit 7"));

    assertThat(failure.reason()).isEqualTo(FailureReason.StepFailed);
    assertThat(failure).hasMessageContaining("Dockerfile:2:1").hasMessageContaining("code 7");
    var step = Objects.requireNonNull(failure.step());
    assertThat(step.exitCode()).isEqualTo(7);
    assertThat(step.instruction()).startsWith("RUN for i in");
    assertThat(step.logTail().lines().toList()).hasSize(20).endsWith("line 99", "line 100", "oops");
    assertThat(output()).contains("line 1\n").endsWith("line 99\nline 100\noops\n");
  }

  @Test
  void stagesAndCopiesOfWhatStepsMade() throws Exception {
    Built built =
        bench.build(
            """
            FROM %1$s AS one
            RUN mkdir /out && echo 1 > /out/f && chown 5:6 /out/f
            FROM %1$s AS two
            RUN sleep 0.1; echo 2 > /two
            FROM scratch
            COPY --from=one /out /o
            COPY --from=two /two /o/
            """
                .formatted(busybox));

    assertThat(built.files())
        .containsExactly("0755 0:0 o/", "0644 5:6 o/f \"1\"", "0644 0:0 o/two \"2\"");
  }

  /** An overlay takes no directory twice. */
  @Test
  void aLayerMayBeInAnImageTwice() throws Exception {
    Built built =
        bench.build(
            "FROM "
                + busybox
                + "\nRUN echo 1 > /f\nWORKDIR /w\nWORKDIR /w\nWORKDIR /w\n"
                + "RUN cat /f > /g");

    assertThat(built.text("g")).isEqualTo("1\n");
  }

  @Test
  void aCachedStepIsNotRunAgain() throws Exception {
    String dockerfile =
        "FROM "
            + busybox
            + "\nCOPY a.txt /\nRUN cat /a.txt > /b && cat /dev/urandom | head -c 8 > /r\nLABEL a=b";
    Built first = bench.build(dockerfile);
    Built second = bench.build(dockerfile);
    assertThat(second.digest()).isEqualTo(first.digest());
    assertThat(output()).isEmpty();
    bench.file("a.txt", "other");

    Built third = bench.build(dockerfile);

    assertThat(third.text("b")).isEqualTo("other");
    assertThat(third.digest()).isNotEqualTo(first.digest());
    assertThat(bench.events)
        .filteredOn(e -> e instanceof BuildEvent.Finished f && f.cache() == CacheResult.Miss)
        .hasSize(2);
  }

  @Test
  void aStepThatChangesNothingMakesAnEmptyLayer() throws Exception {
    Built built = bench.build("FROM " + busybox + "\nRUN cat /etc/passwd > /dev/null");

    assertThat(built.topLayer()).isEmpty();
    assertThat(built.config().history()).hasSize(2);
  }

  /** Overlay refuses a directory that is there twice. */
  @Test
  void equalLayersAreNoHindrance() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s
            RUN echo a
            RUN echo b
            COPY a.txt /x/
            COPY a.txt /x/
            RUN echo c > /c
            """
                .formatted(busybox));

    assertThat(built.config().rootfs().diffIds()).hasSize(6);
    assertThat(built.text("c")).isEqualTo("c\n");
    assertThat(built.text("x/a.txt")).isEqualTo("a");
  }

  @Test
  void argumentsOfABaseStageKeepTheirOrderInTheHistory() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s AS a
            ARG P=1
            ARG A=1
            ARG Z=1
            ARG M=1
            ARG B=1
            FROM a
            ARG LAST=1
            RUN true
            """
                .formatted(busybox));

    assertThat(Objects.requireNonNull(built.config().history()).getLast().createdBy())
        .isEqualTo("RUN |6 P=1 A=1 Z=1 M=1 B=1 LAST=1 /bin/sh -c true");
  }

  @Test
  void stepsThatChangeTheSameAreTheSameLayerTwice() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s
            RUN true
            RUN true || true
            RUN echo a > /tmp/a && touch -d @1 /tmp/a /tmp
            RUN rm /tmp/a && touch -d @1 /tmp
            RUN echo a > /tmp/a && touch -d @1 /tmp/a /tmp
            RUN cat /tmp/a > /b
            """
                .formatted(busybox));

    assertThat(built.text("b")).isEqualTo("a\n");
    List<Digest> diffIds = built.config().rootfs().diffIds();
    assertThat(diffIds.get(1)).isEqualTo(diffIds.get(2));
    assertThat(diffIds.get(3)).isEqualTo(diffIds.get(5));
  }

  @Test
  void unknownUsersAndProgramsAreTheDockerfilesFault() {
    BuildException user =
        catchThrowableOfType(
            BuildException.class, () -> bench.build("FROM " + busybox + "\nUSER nobody\nRUN id"));
    assertThat(user.reason()).isEqualTo(FailureReason.StepFailed);
    assertThat(user).hasMessageContaining("no user \"nobody\"");
    BuildException program =
        catchThrowableOfType(
            BuildException.class,
            () -> bench.build("FROM " + busybox + "\nRUN [\"no-such-program\"]"));
    assertThat(program.reason()).isEqualTo(FailureReason.StepFailed);
    assertThat(Objects.requireNonNull(program.step()).exitCode()).isEqualTo(127);
  }

  /** A program is made where it can be, for where it cannot run. */
  @Test
  void crossBuilding() throws Exception {
    String base = forTwoPlatforms();
    bench.request(r -> BuildBench.platform(r, FOREIGN));

    Built built =
        bench.build(
            """
            FROM --platform=$BUILDPLATFORM BASE AS build
            ARG TARGETARCH
            RUN echo "program of $TARGETARCH" > /program
            FROM BASE
            COPY --from=build /program /
            """
                .replace("BASE", base));

    assertThat(built.text("program")).isEqualTo("program of riscv64\n");
    assertThat(built.config().platform()).hasToString(FOREIGN);
    assertThat(built.files()).anyMatch(line -> line.contains("bin/sh"));
  }

  @Test
  void aCommandOfAnotherMachineIsToldAtItsPlace() throws Exception {
    Assumptions.assumeFalse(
        ForeignPrograms.run("riscv64", folder).orElseThrow(), "there is an emulator of riscv64");

    BuildException failure =
        catchThrowableOfType(
            BuildException.class,
            () ->
                bench.build(
                    "FROM scratch\nFROM --platform=%s %s\nRUN echo a"
                        .formatted(FOREIGN, forTwoPlatforms())));

    assertThat(failure)
        .hasMessageContaining("Dockerfile:3:1: a RUN of linux/riscv64 cannot be executed")
        .hasMessageContaining("exec format error")
        .hasMessageContaining("FROM --platform=$BUILDPLATFORM");
    assertThat(failure.reason()).isEqualTo(FailureReason.StepFailed);
  }

  /** An image whose programs are not what it says of itself is run as ever. */
  @Test
  void whatRunsIsNotRefused() throws Exception {
    String wrong = bench.index("wrong:1", Map.of(Platform.parse(FOREIGN), busybox()), container());

    assertThat(
            bench
                .build("FROM --platform=%s %s\nRUN echo a > /x".formatted(FOREIGN, wrong))
                .text("x"))
        .isEqualTo("a\n");
  }

  private String forTwoPlatforms() throws IOException {
    return bench.index(
        "two:1",
        Map.of(
            Platform.host(),
            busybox(),
            Platform.parse(FOREIGN),
            sink -> {
              byte[] program = new byte[64];
              System.arraycopy(RISCV64, 0, program, 0, RISCV64.length);
              sink.add(EntryMeta.directory("bin", 0755, 0, 0, 1));
              sink.add(
                  EntryMeta.file("bin/sh", 0755, 0, 0, 1, program.length),
                  new ByteArrayInputStream(program));
            }),
        container());
  }
}
