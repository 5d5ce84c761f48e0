package build.kiln.runtime.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.testkit.RandomImages;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Builders, and removals of their cache, that are killed at any moment: no process and no mount is
 * left, and the next build finds nothing that is half of something.
 */
@Timeout(1200)
class KilledBuilderIT {
  private static final int ROUNDS = Boolean.getBoolean("kiln.heavy") ? 120 : 12;
  private static final int FILES = 2000;
  private static final Path BUSYBOX = Path.of("/bin/busybox");

  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private InstalledKiln kiln;
  private final Random random = new Random(1);

  @BeforeEach
  void start() throws Exception {
    assumeTrue(Files.isExecutable(BUSYBOX), "a static /bin/busybox is needed");
    assumeTrue("root".equals(System.getProperty("user.name")), "layers have owners");
    kiln = new InstalledKiln(folder);
    registry = EmbeddedRegistry.start();
    try (var store = LocalStore.open(folder.resolve("base"));
        var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      Layer layer = store.layers().write(base(), Compression.GZIP);
      var image = new RandomImages(store, 1).image(Platform.host(), List.of(layer), List.of());
      RandomImages.push(store, image, client, name("base"));
    }
  }

  @AfterEach
  void stop() {
    if (registry != null) {
      registry.close();
    }
  }

  private Reference name(String repository) {
    return registry.reference(repository + ":1");
  }

  private static byte[] content(int file) {
    return ("content of file " + file + "\n").repeat(20).getBytes(StandardCharsets.UTF_8);
  }

  private static LayerSource base() {
    return sink -> {
      sink.add(
          EntryMeta.file("bin/sh", 0755, 0, 0, 1, Files.size(BUSYBOX)),
          Files.newInputStream(BUSYBOX));
      for (String applet : List.of("cat", "grep", "md5sum", "sleep")) {
        sink.add(EntryMeta.symlink("bin/" + applet, "sh", 0, 0, 1));
      }
      for (int i = 0; i < FILES; i++) {
        sink.add(
            EntryMeta.file("many/%04d".formatted(i), 0640, i, 7, i, content(i).length),
            new ByteArrayInputStream(content(i)));
      }
    };
  }

  private static String sum() throws Exception {
    MessageDigest md5 = MessageDigest.getInstance("MD5");
    for (int i = 0; i < FILES; i++) {
      md5.update(content(i));
    }
    return HexFormat.of().formatHex(md5.digest());
  }

  /** A build whose steps find out whether what they see is whole. */
  private Path context(int round) throws Exception {
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("f"), "round " + round);
    Files.writeString(
        context.resolve("Dockerfile"),
        """
        FROM %s
        COPY f /f
        RUN cat /many/* | md5sum | grep %s >/sum && echo %d
        RUN [ -s /sum ] && cat /f >/done
        """
            .formatted(name("base"), sum(), round));
    return context;
  }

  private List<String> build(int round) throws Exception {
    return List.of("build", "--push", "-t", name("made").toString(), context(round).toString());
  }

  /** How long after its start. */
  private void killed(Process process, long millis) throws Exception {
    boolean ended = process.waitFor(millis, TimeUnit.MILLISECONDS);
    process.destroyForcibly().waitFor();
    if (ended) {
      assertThat(process.exitValue()).as(kiln.ended(process).err()).isZero();
    }
    Awaitility.await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> kiln.assertNothingRuns());
  }

  private void assertWhole() throws IOException {
    Path unpacked = kiln.store().resolve("unpacked");
    if (!Files.isDirectory(unpacked)) {
      return;
    }
    try (Stream<Path> found = Files.walk(unpacked, 2)) {
      for (Path entry :
          found.filter(p -> p.getNameCount() == unpacked.getNameCount() + 2).toList()) {
        String name = String.valueOf(entry.getFileName());
        if (!name.endsWith(".lock") && !name.contains("~")) {
          assertThat(entry.resolve("about")).exists();
          assertThat(entry.resolve("layer")).isDirectory();
        }
      }
    }
  }

  @Test
  void atAnyMoment() throws Exception {
    long start = System.nanoTime();
    var undisturbed = kiln.run(List.of(), build(-1).toArray(String[]::new));
    assertThat(undisturbed.code()).as(undisturbed.err()).isZero();
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    for (int round = 0; round < ROUNDS; round++) {
      if (round % 4 == 1) {
        var prune = kiln.start(List.of(), List.of("builder", "prune", "-a", "-f"));
        killed(prune, 100 + random.nextLong(millis));
      } else {
        killed(kiln.start(List.of(), build(round)), 200 + random.nextLong(millis));
      }
      assertWhole();
      if (round % 4 == 3) {
        var whole = kiln.run(List.of(), build(round).toArray(String[]::new));
        assertThat(whole.code()).as(whole.err()).isZero();
        assertThat(kiln.unfinished()).isEmpty();
      }
    }
  }

  /**
   * After a crash of the machine files may be empty that were not on the disk yet. Another start of
   * it is what the kernel says: here a file on top of the kernel's.
   */
  @Test
  void whatWasUnpackedBeforeTheMachineWentDownIsNotUsed() throws Exception {
    var before = kiln.run(List.of(), build(1).toArray(String[]::new));
    assertThat(before.code()).as(before.err()).isZero();
    Path unpacked = kiln.store().resolve("unpacked");
    assumeTrue(Files.isDirectory(unpacked), "nothing stays unpacked in this tier");
    List<Path> lost;
    try (Stream<Path> files = Files.walk(unpacked)) {
      lost = files.filter(file -> file.toString().contains("/layer/many/")).toList();
    }
    assertThat(lost).hasSize(FILES);
    for (Path file : lost) {
      Files.write(file, new byte[0]);
    }
    Path start = Files.writeString(folder.resolve("boot_id"), UUID.randomUUID() + "\n");
    String hidden = "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && exec \"$@\"";
    var command = List.of("unshare", "-m", "sh", "-c", hidden, start.toString());

    var after = kiln.run(command, build(2).toArray(String[]::new));

    assertThat(after.code()).as(after.err()).isZero();
    try (Stream<Path> forms = Files.list(unpacked)) {
      assertThat(forms).hasSize(1);
    }
    assertThat(lost.getFirst()).doesNotExist();
  }

  /** As kubelet does when a build is cancelled or its time is up, and Ctrl-C. */
  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT"})
  void whoIsAskedToEndDoes(String signal) throws Exception {
    String mark = "97531";
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(
        context.resolve("Dockerfile"),
        """
        FROM %s
        RUN trap '' TERM INT HUP; sleep %s & (trap '' TERM INT HUP; sleep %s; true) & sleep %s
        """
            .formatted(name("base"), mark, mark, mark));
    // What runs in the background of a script ignores Ctrl-C, and so does all that it starts.
    List<String> heeds = List.of("env", "--default-signal=INT");
    Process building = kiln.start(heeds, List.of("build", context.toString()));
    try {
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> sleeping(mark) == 3 || !building.isAlive());
      assertThat(sleeping(mark)).isEqualTo(3);

      new ProcessBuilder("kill", "-" + signal, Long.toString(building.pid())).start().waitFor();

      assertThat(building.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(kiln.ended(building).code()).isNotZero();
      assertThat(sleeping(mark)).isZero();
      assertThat(kiln.unfinished()).isEmpty();
      kiln.assertNothingRuns();
      assertWhole();
    } finally {
      building.destroyForcibly();
    }
  }

  private static long sleeping(String mark) {
    return ProcessHandle.allProcesses().filter(process -> isSleeping(process.pid(), mark)).count();
  }

  private static boolean isSleeping(long pid, String mark) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"), StandardCharsets.ISO_8859_1)
          .equals("sleep\0" + mark + "\0");
    } catch (IOException ended) {
      return false;
    }
  }
}
