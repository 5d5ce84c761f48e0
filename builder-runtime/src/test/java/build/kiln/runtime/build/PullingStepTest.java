package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.registry.embedded.Fault;
import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** RUN on a base that is only in its registry. */
@ParameterizedClass
@EnumSource(names = {"Namespaces", "Chroot"})
class PullingStepTest extends TierTest {
  private static final int LARGE = 8 << 20;

  private String large;
  private Descriptor layer;

  PullingStepTest(Isolation tier) {
    super(tier);
  }

  @BeforeEach
  void base() throws Exception {
    byte[] noise = new byte[LARGE];
    new Random(1).nextBytes(noise);
    LayerSource files =
        sink -> {
          busybox().writeTo(sink);
          sink.add(EntryMeta.file("large", 0644, 0, 0, 1, LARGE), new ByteArrayInputStream(noise));
        };
    large = bench.base("large:1", files, container());
    layer = bench.build("FROM " + large).layers().getFirst().descriptor();
    bench.freshStore();
  }

  private String blob() {
    return "/v2/large/blobs/" + layer.digest();
  }

  /** Whether a file of this name is anywhere below. */
  private static boolean isBelow(Path folder, String name) {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.anyMatch(path -> path.endsWith(name));
    } catch (IOException | UncheckedIOException goesMeanwhile) {
      return false;
    }
  }

  private byte[] content() throws IOException {
    return bench.client.openBlob(bench.registry.reference("large:1"), layer).readAllBytes();
  }

  private void cutOffForGood() {
    bench
        .registry
        .faults()
        .once("GET", blob(), Fault.cutAnswer(LARGE / 2))
        .always("GET", blob(), Fault.status(500));
  }

  private static void answer(HttpExchange http, int length) throws IOException {
    http.sendResponseHeaders(200, length);
  }

  @Test
  void aLayerIsUnpackedWhileItArrives() throws Exception {
    byte[] content = content();
    var seen = new CompletableFuture<Boolean>();
    Fault halves =
        new Fault.Instead(
            http -> {
              answer(http, content.length);
              http.getResponseBody().write(content, 0, content.length / 2);
              http.getResponseBody().flush();
              try {
                Awaitility.await().until(() -> isBelow(folder, "bin/busybox"));
                seen.complete(true);
              } catch (RuntimeException never) {
                seen.completeExceptionally(never);
              }
              http.getResponseBody()
                  .write(content, content.length / 2, content.length - content.length / 2);
            });
    bench.registry.faults().once("GET", blob(), halves);

    Built built = bench.build("FROM " + large + "\nRUN stat -c %s /large > /size");

    assertThat(seen.get()).isTrue();
    assertThat(built.text("size")).isEqualTo(LARGE + "\n");
    assertThat(bench.registry.requests().count("GET", blob())).isEqualTo(2);
    assertThat(bench.store().has(layer)).isTrue();
  }

  @Test
  void thatALayerDoesNotComeIsWhyTheStepFails() throws Exception {
    cutOffForGood();

    BuildException failure =
        catchThrowableOfType(
            BuildException.class, () -> bench.build("FROM " + large + "\nRUN echo never"));

    assertThat(failure.reason()).isEqualTo(FailureReason.RegistryUnavailable);
    assertThat(failure).hasMessageContaining(layer.digest().toString());
    assertThat(output()).doesNotContain("never");
    bench.registry.faults().clear();
    assertThat(bench.build("FROM " + large + "\nRUN echo now > /now").text("now"))
        .isEqualTo("now\n");
  }

  @Test
  void aLayerOfOtherBytesIsRefusedThoughItWasUnpackedMeanwhile() throws Exception {
    byte[] content = content();
    // The file's noise is stored as it is: another byte there is no error of gzip's but the sum.
    content[content.length / 2] ^= 1;
    bench
        .registry
        .faults()
        .always(
            "GET",
            blob(),
            new Fault.Instead(
                http -> {
                  answer(http, content.length);
                  http.getResponseBody().write(content);
                }));

    BuildException failure =
        catchThrowableOfType(
            BuildException.class, () -> bench.build("FROM " + large + "\nRUN echo never"));

    assertThat(failure.reason()).isEqualTo(FailureReason.RegistryInvalid);
    assertThat(failure).hasMessageContaining(layer.digest().toString());
    assertThat(output()).doesNotContain("never");
    assertThat(bench.store().has(layer)).isFalse();
    Path store = bench.store().root();
    try (Stream<Path> indexes = Files.walk(store.resolve("index"))) {
      assertThat(indexes.filter(Files::isRegularFile)).isEmpty();
    }
    assertThat(isBelow(store, "bin/busybox")).isFalse();
  }

  /** The most common form of RUN, whose mounts look for their targets in the base. */
  @Test
  void aStepWithMountsReadsItsBaseOnceToo() throws Exception {
    Built built =
        bench.build(
            "FROM " + large + "\nRUN --mount=type=cache,target=/tmp/cache cat /etc/group > /group");

    assertThat(built.text("group")).startsWith("root:x:0:");
    assertThat(bench.registry.requests().count("GET", blob())).isEqualTo(1);
  }

  /** The one copies to it and needs names only, the other unpacks it. */
  @Test
  void stagesThatNeedALayerInTheirOwnWaysBothHaveIt() throws Exception {
    byte[] content = content();
    bench.registry.requests().clear();
    bench
        .registry
        .faults()
        .once(
            "GET",
            blob(),
            new Fault.Instead(
                http -> {
                  answer(http, content.length);
                  int half = content.length / 2;
                  http.getResponseBody().write(content, 0, half);
                  http.getResponseBody().flush();
                  waitForBoth();
                  http.getResponseBody().write(content, half, content.length - half);
                }));
    String dockerfile =
        """
        FROM %1$s AS names
        COPY a.txt /opt/
        FROM %1$s AS run
        RUN stat -c %%s /large > /size
        FROM scratch
        COPY --from=names /opt/a.txt /
        COPY --from=run /size /
        """
            .formatted(large);

    Built built = bench.build(dockerfile);

    assertThat(built.text("a.txt")).isEqualTo("a");
    assertThat(built.text("size")).isEqualTo(LARGE + "\n");
    assertThat(bench.registry.requests().count("GET", blob())).isEqualTo(1);
  }

  /** Where only one step runs at a time, the other is not to be waited for. */
  private void waitForBoth() {
    try {
      Awaitility.await()
          .atMost(Duration.ofSeconds(2))
          .until(() -> hasStarted("COPY a.txt") && hasStarted("RUN stat"));
    } catch (ConditionTimeoutException onlyOne) {
      return;
    }
  }

  private boolean hasStarted(String step) {
    return bench.events.stream()
        .anyMatch(e -> e instanceof BuildEvent.Started s && s.vertex().name().contains(step));
  }

  /** The one pulls it, the other reads along. */
  @Test
  void ofTwoStagesOnOneBaseNoneSaysOtherwise() {
    cutOffForGood();
    String dockerfile =
        """
        FROM %s AS one
        RUN echo 1 > /one
        FROM %s
        RUN echo 2 > /two
        COPY --from=one /one /
        """
            .formatted(large, large);

    BuildException failure =
        catchThrowableOfType(BuildException.class, () -> bench.build(dockerfile));

    assertThat(failure.reason()).isEqualTo(FailureReason.RegistryUnavailable);
    assertThat(failure.getMessage()).contains("large").doesNotContain("given up");
  }
}
