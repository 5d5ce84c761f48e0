package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.ssh.AgentSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code RUN --mount} and {@code --network}, in each tier that runs anything. What is expected of
 * layers is what BuildKit leaves in them.
 */
@ParameterizedClass
@EnumSource(names = {"Namespaces", "Chroot"})
class RunMountTest extends TierTest {
  private static final String SECRET = "top'secret\nof two $lines";

  RunMountTest(Isolation tier) {
    super(tier);
  }

  private Built build(String steps) throws Exception {
    return bench.build("FROM " + busybox + "\n" + steps);
  }

  private BuildException failure(String steps) {
    return Objects.requireNonNull(
        catchThrowableOfType(BuildException.class, () -> build(steps)), "it must fail");
  }

  private void secrets(Map<String, String> values) {
    Map<String, BuildSecrets.Source> sources = new HashMap<>();
    values.forEach(
        (id, value) -> sources.put(id, () -> Optional.of(value.getBytes(StandardCharsets.UTF_8))));
    bench.request(request -> request.withSecrets(BuildSecrets.of(sources)));
  }

  @Test
  void secretsAreFilesOfTheirModeAndOwner() throws Exception {
    secrets(Map.of("s", SECRET, "a/b", "other", "empty", ""));
    Built built =
        build(
            """
            WORKDIR /w
            RUN --mount=type=secret,id=s --mount=type=secret,id=a/b --mount=type=secret,id=s,target=rel,mode=0444,uid=5,gid=6 --mount=type=secret,source=s,target=/run/x --mount=type=secret,target=/etc/empty stat -c '%a %u:%g %F %n' /run/secrets /run/secrets/s /run/secrets/b rel /etc/empty >/out; cat /run/secrets/s >/copy; cat /run/secrets/b >> /copy; [ "$(cat /run/x)" = "$(cat rel)" ]
            """);

    assertThat(text(built, "out").lines())
        .containsExactly(
            "755 0:0 directory /run/secrets",
            "400 0:0 regular file /run/secrets/s",
            "400 0:0 regular file /run/secrets/b",
            "444 5:6 regular file rel",
            "400 0:0 regular empty file /etc/empty");
    assertThat(built.text("copy")).isEqualTo(SECRET + "other");
    assertThat(names(built)).containsExactly("copy", "out");
  }

  @Test
  void secretsAreVariables() throws Exception {
    secrets(Map.of("s", SECRET, "n", "name"));
    Built built =
        build(
            """
            ENV OLD=old PATH=/bin
            USER app
            RUN --mount=type=secret,id=s,env=OLD --mount=type=secret,id=n,env=n env > /tmp/env; test "$n" = name || exit 3; env | grep -c OLD= > /tmp/count; test -e /run/secrets; echo $? > /tmp/none
            RUN --mount=type=secret,id=s,env=E,target=/tmp/f cat /tmp/f > /tmp/g 2>&1; echo "$E" > /tmp/e
            RUN --mount=type=secret,id=s,env=E ["env"]
            """);

    assertThat(text(built, "tmp/env")).contains("OLD=" + SECRET + "\n").contains("n=name\n");
    assertThat(built.text("tmp/count")).isEqualTo("1\n");
    assertThat(built.text("tmp/none")).isEqualTo("1\n");
    assertThat(built.text("tmp/e")).isEqualTo(SECRET + "\n");
    assertThat(built.text("tmp/g")).contains("ermission denied");
    assertThat(built.files()).noneMatch(line -> line.endsWith("tmp/f"));
    assertThat(output()).contains("E=" + SECRET).doesNotContain("PWD=");
    BuildException missing = failure("RUN --mount=type=secret,id=s,env=E [\"no-such-program\"]");
    assertThat(Objects.requireNonNull(missing.step()).exitCode()).isEqualTo(127);
  }

  @Test
  void aMissingSecretIsNothingUnlessRequired() throws Exception {
    Built built =
        build(
            "RUN --mount=type=secret,id=s,env=E --mount=type=secret,id=s test ! -e /run && test \"${E-unset}\" = ''");
    assertThat(built.topLayer()).isEmpty();

    BuildException required = failure("RUN --mount=type=secret,id=s,required true");
    assertThat(required.reason()).isEqualTo(FailureReason.SecretNotFound);
    assertThat(required)
        .hasMessageContaining("the secret \"s\"")
        .hasMessageContaining("Dockerfile:2")
        .hasMessageContaining("--secret id=s");
  }

  @Test
  void secretsAreInNoFileRecordHistoryOrKey() throws Exception {
    secrets(Map.of("s", "grabme-7f3"));
    String steps =
        "RUN --mount=type=secret,id=s --mount=type=secret,id=s,env=E head -c 6 /run/secrets/s > /ok";
    Built built = build(steps);
    assertThat(built.text("ok")).isEqualTo("grabme");
    assertThat(bench.events.toString()).doesNotContain("grabme-7f3");
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String content = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        assertThat(content).as(file.toString()).doesNotContain("grabme-7f3");
      }
    }

    secrets(Map.of("s", "changed"));
    Built again = build(steps);
    assertThat(again.text("ok")).as("from the cache").isEqualTo("grabme");
    assertThat(again.digest()).isEqualTo(built.digest());
  }

  @Test
  void aTmpfsIsEmptyAndHidesWhatIsThere() throws Exception {
    Built built =
        build(
            """
            RUN mkdir /full && echo kept > /full/f && chmod 700 /full
            RUN --mount=type=tmpfs,target=/full --mount=type=tmpfs,target=/new/t,size=1m stat -c '%a %n' /full /new/t > /out; ls -A /full /new/t >> /out; echo x > /full/x; echo y > /new/t/y
            """);

    assertThat(built.text("out")).isEqualTo("1777 /full\n1777 /new/t\n/full:\n\n/new/t:\n");
    assertThat(names(built)).containsExactly("out");
    assertThat(built.files()).contains("0700 0:0 full/", "0644 0:0 full/f \"kept\"");
    if (tier == Isolation.Namespaces) {
      BuildException full =
          failure("RUN --mount=type=tmpfs,target=/t,size=64k head -c 1000000 /dev/zero > /t/f");
      assertThat(full.reason()).isEqualTo(FailureReason.StepFailed);
    }
  }

  @Test
  void aBindShowsTheContext() throws Exception {
    bench.file("d/f", "in d").file("d/sub/g", "in sub").file("secret.key", "no");
    bench.file(".dockerignore", "*.key\n.dockerignore");
    Files.createSymbolicLink(bench.contextFolder().resolve("link"), Path.of("d/sub"));
    Built built =
        build(
            """
            WORKDIR /w
            RUN --mount=type=bind,target=all --mount=source=d,target=/d --mount=type=bind,source=link,target=/l --mount=type=bind,source=../../a.txt,target=/etc/new.conf ls -A /w/all > /out; cat /d/f /l/g /etc/new.conf > /text; stat -c '%u:%g' /d /d/f >> /out
            """);

    assertThat(built.text("out")).isEqualTo("a.txt\nd\nlink\n0:0\n0:0\n");
    assertThat(built.text("text")).isEqualTo("in din suba");
    assertThat(names(built)).containsExactly("out", "text");
  }

  @Test
  void whatIsWrittenToABindIsGone() throws Exception {
    Built built =
        build(
            """
            RUN --mount=type=bind,target=/b,rw echo new > /b/a.txt && touch /b/more && cat /b/a.txt > /one
            RUN --mount=type=bind,target=/b cat /b/a.txt > /two; ls /b >> /two; echo no > /b/a.txt; true
            RUN --mount=type=bind,target=/b cat /b/a.txt > /three
            """);

    assertThat(built.text("one")).isEqualTo("new\n");
    assertThat(built.text("two")).isEqualTo("aa.txt\n");
    assertThat(built.text("three")).isEqualTo("a");
    assertThat(Files.readString(bench.contextFolder().resolve("a.txt"))).isEqualTo("a");
    if (tier == Isolation.Namespaces) {
      assertThat(output()).contains("Read-only file system");
    }
  }

  @Test
  void aBindShowsStagesAndImages() throws Exception {
    Built built =
        bench.build(
            """
            FROM %1$s AS made
            RUN mkdir /o && echo hello > /o/f && chown 7:8 /o/f && chmod 4711 /o/f && ln /o/f /o/hard && ln -s f /o/soft
            FROM %1$s
            RUN --mount=from=made,target=/m --mount=from=0,source=/o/f,target=/file --mount=from=%1$s,source=/etc,target=/e stat -c '%%a %%u:%%g %%h %%N' /m/o/f /m/o/soft /file > /out; cat /m/o/hard /e/group >> /out
            """
                .formatted(busybox));

    assertThat(text(built, "out").lines())
        .anyMatch(line -> line.startsWith("4711 7:8 2 ") && line.contains("/m/o/f"))
        .anyMatch(line -> line.startsWith("4711 7:8 1 ") && line.contains("/file"))
        .anyMatch(line -> line.contains("/m/o/soft") && line.contains("-> "))
        .contains("hello", "root:x:0:");
    assertThat(names(built)).containsExactly("out");
  }

  @Test
  void theContentOfABindIsAPartOfTheKey() throws Exception {
    bench.file("d/f", "1");
    String steps = "RUN --mount=source=d,target=/d cat /d/f > /out; echo ran";
    Built first = build(steps);
    assertThat(output()).isEqualTo("ran\n");
    bench.file("other", "not mounted");
    assertThat(build(steps).digest()).isEqualTo(first.digest());
    assertThat(output()).isEmpty();
    bench.file("d/f", "2");
    assertThat(build(steps).text("out")).isEqualTo("2");

    String stages =
        "FROM %1$s AS a\nRUN touch /%2$s; echo same > /same\nFROM %1$s\nRUN --mount=from=a,source=same,target=/s head -c 4 /dev/urandom > /r";
    Built one = bench.build(stages.formatted(busybox, "x"));
    Built two = bench.build(stages.formatted(busybox, "y"));
    assertThat(two.digest()).as("what is mounted is the same").isEqualTo(one.digest());
  }

  @Test
  void whatIsNotThereCannotBeBound() throws Exception {
    bench.file("hidden.key", "x").file(".dockerignore", "*.key");
    assertThat(failure("RUN --mount=source=a.tx,target=/x true"))
        .hasMessageContaining("\"/a.tx\" is not in the build context")
        .hasMessageContaining("did you mean /a.txt?");
    assertThat(failure("RUN --mount=source=hidden.key,target=/x true"))
        .hasMessageContaining("hidden by");
    assertThat(failure("RUN --mount=source=a.txt,target=/etc true"))
        .hasMessageContaining("/etc, which is a directory");
    assertThat(failure("RUN --mount=target=/etc/passwd true"))
        .hasMessageContaining("/etc/passwd, which is a file");
    assertThat(failure("RUN --mount=target=/etc/passwd/x true"))
        .hasMessageContaining("no directory");
    assertThat(failure("RUN --mount=type=bind true")).hasMessageContaining("on \"/\"");
    assertThat(failure("RUN --mount=type=cache,target=/proc/x true"))
        .hasMessageContaining("/proc and /sys");
  }

  @Test
  void noSourceAndNoTargetLeadsOutside() throws Exception {
    Path outside = Files.writeString(folder.resolve("outside"), "outside");
    Files.createSymbolicLink(bench.contextFolder().resolve("evil"), outside);
    Files.createSymbolicLink(bench.contextFolder().resolve("up"), Path.of("../outside"));
    for (String source : List.of("evil", "up", "../outside", "up/../../outside")) {
      assertThat(failure("RUN --mount=source=" + source + ",target=/x cat /x"))
          .as(source)
          .hasMessageContaining("is not in the build context");
    }
    String hostile =
        bench.base(
            "hostile:1",
            sink -> {
              busybox().writeTo(sink);
              sink.add(EntryMeta.symlink("usr", "../../../.." + folder, 0, 0, 1));
              sink.add(EntryMeta.symlink("var", folder.toString(), 0, 0, 1));
            },
            container());
    Built built =
        bench.build(
            """
            FROM %s
            RUN --mount=type=cache,target=/usr/made --mount=type=tmpfs,target=/var/t --mount=source=a.txt,target=/usr/../var/b touch /usr/made/x /var/t/y; cat /var/b > /out
            """
                .formatted(hostile));
    assertThat(built.text("out")).isEqualTo("a");
    assertThat(names(built)).containsExactly("out");
    // A link in what is mounted, on the way to another mount.
    try {
      build("RUN --mount=target=/x,rw --mount=type=cache,target=/x/evil/c touch /x/evil/c/made");
    } catch (BuildException refused) {
      assertThat(refused).hasMessageContaining("x/evil");
    }
    for (String name : List.of("made", "t", "b", "c")) {
      assertThat(folder.resolve(name)).doesNotExist();
    }
    assertThat(Files.readString(outside)).isEqualTo("outside");
  }

  @Test
  void aCacheSurvivesBuildsAndIsInNoLayer() throws Exception {
    String steps =
        "RUN --mount=type=cache,target=/c/deep echo %s >> /c/deep/log; cat /c/deep/log > /out";
    assertThat(build(steps.formatted("one")).text("out")).isEqualTo("one\n");
    Built second = build(steps.formatted("two"));

    assertThat(second.text("out")).isEqualTo("one\ntwo\n");
    assertThat(names(second)).containsExactly("out");
  }

  /** As where the store is on a volume: what cannot be moved into a root is copied, and back. */
  @Test
  void aCacheOfAnotherFileSystemSurvivesToo() throws Exception {
    Path memory = Path.of("/dev/shm");
    Assumptions.assumeTrue(
        Files.isWritable(memory) && !Files.getFileStore(memory).equals(Files.getFileStore(folder)),
        "a writable file system in memory is needed");
    Path elsewhere = Files.createTempDirectory(memory, "kiln-test");
    try {
      bench.storeIn(elsewhere);
      String cache = "RUN --mount=type=cache,target=/c,sharing=locked ";
      Built built =
          build(
              cache
                  + "mkdir -m 750 /c/d && echo a > /c/d/f && ln /c/d/f /c/g && ln -s d /c/l && chown 5:6 /c/g\n"
                  + cache
                  + "echo b >> /c/d/f; rm /c/l; stat -c '%a %u:%g %h %n' /c/d /c/g > /out; cat /c/g >> /out");
      assertThat(built.text("out")).isEqualTo("750 0:0 2 /c/d\n644 5:6 2 /c/g\na\nb\n");
      assertThat(names(built)).containsExactly("out");

      failure(cache + "echo c > /c/d/f; exit 1");
      built = build(cache + "cat /c/d/f /c/g > /out; ls /c >> /out; rm -r /c/d");
      assertThat(built.text("out")).isEqualTo("c\nc\nd\ng\n");
      assertThat(build(cache + "ls /c > /out").text("out")).isEqualTo("g\n");

      if (tier == Isolation.Chroot) {
        String another = cache.replace("RUN ", "").replace("=/c,", "=/d,id=/c,");
        assertThat(failure(cache + another + "true")).hasMessageContaining("in one place only");
      }
    } finally {
      bench.freshStore();
      try (var root = DirectoryHandle.open(elsewhere)) {
        TreeRemover.removeContents(root);
      }
      Files.delete(elsewhere);
    }
  }

  @Test
  void aLockedCacheHasOneStepAtATime() throws Exception {
    String step =
        "RUN --mount=type=cache,target=/c,sharing=locked mkdir /c/here && sleep 0.3 && rm -r /c/here && touch /";
    Built built =
        bench.build(
            """
            FROM %1$s AS one
            %2$sone
            FROM %1$s AS two
            %2$stwo
            FROM %1$s AS three
            %2$sthree
            FROM scratch
            COPY --from=one /one /
            COPY --from=two /two /
            COPY --from=three /three /
            """
                .formatted(busybox, step));
    assertThat(built.files()).hasSize(3);
  }

  @Test
  void aNamespaceKeepsCachesApart() throws Exception {
    String step = "RUN --mount=type=cache,target=/c,id=x ls /c > /out; touch /c/%s\n";

    build(step.formatted("plain"));
    bench.request(r -> BuilderTest.change(r, Map.of("BUILDKIT_CACHE_MOUNT_NS", "n")));
    assertThat(build(step.formatted("first")).text("out")).isEmpty();
    assertThat(build(step.formatted("second")).text("out")).isEqualTo("first\n");
    bench.request(r -> BuilderTest.change(r, Map.of("BUILDKIT_CACHE_MOUNT_NS", "m")));
    assertThat(build(step.formatted("third")).text("out")).isEmpty();
  }

  @Test
  void aHostNameIsAskedForByABuildArgument() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("BUILDKIT_SANDBOX_HOSTNAME", "box-1")));

    Built built = build("RUN hostname > /out; grep -c box-1 /etc/hosts >> /out || true");

    if (tier == Isolation.Chroot) {
      assertThat(built.text("out")).doesNotContain("box-1");
      assertThat(bench.events.toString()).contains("no host name of its own to be box-1");
    } else {
      assertThat(built.text("out")).isEqualTo("box-1\n1\n");
    }
  }

  @Test
  void proxiesAreThereInBothCases() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("HTTP_PROXY", "a", "no_proxy", "b")));

    assertThat(build("RUN env | grep -i proxy | sort > /out").text("out"))
        .isEqualTo("HTTP_PROXY=a\nNO_PROXY=b\nhttp_proxy=a\nno_proxy=b\n");
  }

  @Test
  void oneStepMayHaveACacheTwice() throws Exception {
    String steps =
        "RUN --mount=type=cache,target=/c,id=x,sharing=locked --mount=type=cache,target=/d,id=x,sharing=locked touch /c/f && ls /d > /out";
    if (tier == Isolation.Chroot) {
      assertThat(failure(steps)).hasMessageContaining("one place only");
    } else {
      assertThat(build(steps).text("out")).isEqualTo("f\n");
    }
    assertThat(build("RUN --mount=type=cache,target=/c,id=x stat -c %a /c > /out").text("out"))
        .as("it is still there")
        .isEqualTo("755\n");
  }

  @Test
  void aFailingStepKeepsWhatItCached() throws Exception {
    failure("RUN --mount=type=cache,target=/c echo kept > /c/f; exit 1");
    assertThat(build("RUN --mount=type=cache,target=/c cat /c/f > /out").text("out"))
        .isEqualTo("kept\n");
  }

  @Test
  void aCacheBelongsToItsIdAndToWhatItStartsWith() throws Exception {
    Built built =
        build(
            """
            RUN --mount=type=cache,target=/c echo a > /c/f; stat -c '%a %u:%g' /c > /out
            RUN --mount=type=cache,target=/other,id=/c/ cat /other/f >> /out
            RUN --mount=type=cache,target=/c,id=x ls -A /c >> /out
            RUN --mount=type=cache,target=/c,uid=5,gid=6,mode=0700 ls -A /c >> /out; stat -c '%a %u:%g' /c >> /out; chmod 711 /c
            RUN --mount=type=cache,target=/c,uid=5,gid=6,mode=0700 stat -c '%a %u:%g' /c >> /out
            """
                + "RUN --mount=type=cache,target=/c,from="
                + busybox
                + ",source=/etc ls /c >> /out; touch /c/more\n"
                + "RUN --mount=type=cache,target=/c,from="
                + busybox
                + ",source=/etc ls /c | cat >> /out\n");

    assertThat(text(built, "out").lines())
        .containsExactly(
            "755 0:0", "a", "700 5:6", "711 5:6", "group", "passwd", "group", "more", "passwd");
  }

  @Test
  void nobodyWritesToAReadOnlyCache() throws Exception {
    Built built =
        build(
            """
            RUN --mount=type=cache,target=/c echo a > /c/f
            RUN --mount=type=cache,target=/c,ro cat /c/f > /out; echo b > /c/f; true
            RUN --mount=type=cache,target=/c cat /c/f >> /out
            """);
    assertThat(built.text("out")).isEqualTo("a\na\n");
  }

  @Test
  void aCacheMayHideFilesOfTheImage() throws Exception {
    Built built =
        build(
            """
            RUN mkdir -p /c/d && echo image > /c/f && chmod 750 /c
            RUN --mount=type=cache,target=/c ls -A /c > /out; echo cached > /c/f; mkdir /c/d
            RUN cat /c/f >> /out; stat -c %a /c >> /out; ls /c >> /out
            """);
    assertThat(built.text("out")).isEqualTo("image\n750\nd\nf\n");
    assertThat(names(built)).containsExactly("out");
  }

  @Test
  void directoriesMadeForMountsStayOnlyWithSomethingInThem() throws Exception {
    Built built =
        build(
            """
            RUN --mount=type=cache,target=/a/b/c touch /a/kept
            RUN --mount=type=cache,target=/x/y/z chmod 700 /x && chown 5 /x/y
            RUN --mount=source=a.txt,target=/p/file touch /p/q && rm /p/q
            RUN ls -d /a /a/* /x /p > /out 2>/dev/null; true
            """);
    assertThat(built.text("out")).isEqualTo("/a\n/a/kept\n");
    assertThat(built.files()).noneMatch(line -> line.matches(".* [xp]/.*|.* a/b/"));
  }

  @Test
  void mountsInsideMounts() throws Exception {
    bench.file("src/target/.keep", "");
    Built built =
        build(
            """
            RUN --mount=type=cache,target=/src/target --mount=type=bind,source=src,target=/src touch /src/target/made; ls -A /src/target > /out
            RUN --mount=type=bind,source=src,target=/src --mount=type=tmpfs,target=/src/target ls -A /src/target >> /out
            RUN --mount=type=cache,target=/src/target ls /src/target >> /out
            RUN --mount=type=tmpfs,target=/t --mount=source=a.txt,target=/t/deep/a cat /t/deep/a >> /out
            RUN --mount=source=src,target=/src --mount=type=cache,target=/src/new touch /src/new/x; ls /src/new >> /out
            RUN --mount=source=src,target=/src ls /src >> /out
            """);
    assertThat(built.text("out")).isEqualTo("made\nmade\nax\ntarget\n");
    assertThat(built.files()).noneMatch(line -> line.contains("src") || line.contains(" t/"));
  }

  @Test
  void mountsOfVariables() throws Exception {
    Built built =
        build(
            """
            ARG DIR=/cached
            ENV ID=some
            RUN --mount=type=cache,target=$DIR,id=${ID}-id touch /cached/x
            RUN --mount=type=cache,target=/y,id=some-id ls /y > /out
            """);
    assertThat(built.text("out")).isEqualTo("x\n");
  }

  @Test
  void devicesAndTheSandboxesOwnFiles() throws Exception {
    secrets(Map.of("s", "x"));
    String steps =
        "RUN --mount=type=tmpfs,target=/dev/shm --mount=type=secret,id=s,target=/dev/sec --mount=source=a.txt,target=/etc/hosts cat /dev/sec /etc/hosts > /out";
    if (tier == Isolation.Chroot) {
      BuildException refused = failure(steps);
      assertThat(refused.reason()).isEqualTo(FailureReason.IsolationUnavailable);
      assertThat(refused).hasMessageContaining("chroot tier cannot mount on /dev");
    } else {
      Built built = build(steps);
      assertThat(built.text("out")).isEqualTo("xa");
      assertThat(names(built)).containsExactly("out");
    }
  }

  @Test
  void networkNoneHasOnlyALoopback() throws Exception {
    String steps = "RUN --network=none cat /proc/net/dev > /none\n";
    if (tier == Isolation.Chroot) {
      BuildException refused = failure(steps);
      assertThat(refused.reason()).isEqualTo(FailureReason.IsolationUnavailable);
      assertThat(refused).hasMessageContaining("--network=none").hasMessageContaining("Chroot");
      return;
    }
    String[] devices = new java.io.File("/sys/class/net").list();
    Assumptions.assumeTrue(devices != null && devices.length > 1, "this machine has no network");
    Built built =
        build(
            steps
                + """
                RUN --network=host cat /proc/net/dev > /host
                RUN cat /proc/net/dev > /default
                """);
    assertThat(devices(built, "none")).containsExactly("lo");
    assertThat(devices(built, "host")).isEqualTo(devices(built, "default")).hasSizeGreaterThan(1);
  }

  private static List<String> devices(Built built, String file) throws IOException {
    return text(built, file)
        .lines()
        .filter(line -> line.contains(":"))
        .map(line -> line.substring(0, line.indexOf(':')).strip())
        .toList();
  }

  @Test
  void anAgentThatIsNotRequiredIsNotMissed() throws Exception {
    assertThat(build("RUN --mount=type=ssh true").topLayer()).isEmpty();
    assertThat(failure("RUN --mount=type=ssh,required true")).hasMessageContaining("SSH agent");
  }

  @Test
  void agentsAreSockets() throws Exception {
    AgentSource agent = client -> {};
    bench.request(
        r -> r.withSecrets(BuildSecrets.none().withAgents(Map.of("default", agent, "b", agent))));
    Built built =
        build(
            """
            RUN --mount=type=ssh --mount=type=ssh,id=b,target=/s,mode=0666,uid=5,gid=6 --mount=type=ssh,id=none stat -c '%a %u:%g %F %n' $SSH_AUTH_SOCK /s >/out; ls /run/buildkit >>/out
            RUN --mount=type=ssh,id=b,required test -S $SSH_AUTH_SOCK
            RUN test -z "$SSH_AUTH_SOCK" && test ! -e /s && test ! -e /run
            """);
    assertThat(text(built, "out").lines())
        .containsExactly(
            "600 0:0 socket /run/buildkit/ssh_agent.0", "666 5:6 socket /s", "ssh_agent.0");
    assertThat(built.files()).noneMatch(line -> line.contains(" run") || line.endsWith(" s"));
    assertThat(failure("RUN --mount=type=ssh,id=c,required true"))
        .hasMessageContaining("SSH agent \"c\"");
  }

  @Test
  void historyHasNoMounts() throws Exception {
    secrets(Map.of("s", "x"));
    Built built = build("RUN --mount=type=secret,id=s --mount=type=cache,target=/c echo hi");
    assertThat(Objects.requireNonNull(built.config().history()).getLast().createdBy())
        .isEqualTo("RUN /bin/sh -c echo hi");
  }

  private static String text(Built built, String file) throws IOException {
    return Objects.requireNonNull(built.text(file), file);
  }

  /** What the topmost layer holds. */
  private static List<String> names(Built built) throws IOException {
    return built.topLayer().stream().map(line -> line.split(" ")[2]).toList();
  }
}
