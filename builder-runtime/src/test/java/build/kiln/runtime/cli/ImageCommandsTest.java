package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.testkit.ImageValidator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images of the local store, from their names to what is printed of them. */
class ImageCommandsTest {
  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private String base;

  @BeforeEach
  void pushBase() throws IOException {
    registry = EmbeddedRegistry.start();
    base = registry.host() + "/team/base:1";
    Captured built =
        build(
            "other", "FROM scratch\nCOPY f /base\nLABEL a=b\nCMD [\"x\"]\n", "-t", base, "--push");
    assertThat(built.exitCode()).as(built.err()).isZero();
  }

  @AfterEach
  void stop() {
    registry.close();
  }

  private Captured kiln(String store, String command, String... more) {
    var arguments = new ArrayList<>(List.of(command, "--store", folder.resolve(store).toString()));
    arguments.addAll(List.of(more));
    return Captured.run(arguments.toArray(String[]::new));
  }

  private Captured build(String store, String dockerfile, String... options) throws IOException {
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("Dockerfile"), dockerfile);
    Files.writeString(context.resolve("f"), "content");
    var more = new ArrayList<>(List.of(options));
    more.add("-q");
    more.add(context.toString());
    return kiln(store, "build", more.toArray(String[]::new));
  }

  @Test
  void whatIsPulledIsWholeAndListed() throws IOException {
    Captured pulled = kiln("s", "pull", base);
    assertThat(pulled.exitCode()).as(pulled.err()).isZero();
    String digest = pulled.out().strip().split("@")[1];
    assertThat(pulled.out()).startsWith(base.replace(":1", "") + "@sha256:");

    try (var store = LocalStore.open(folder.resolve("s"))) {
      ImageValidator.assertValid(store, store.list().getFirst().descriptor());
    }
    String id = digest.substring(7, 19);
    assertThat(kiln("s", "images").out().lines().toList())
        .hasSize(2)
        .satisfies(
            lines -> {
              assertThat(lines.get(0)).startsWith("REPOSITORY").endsWith("SIZE");
              assertThat(lines.get(1)).contains("/team/base   1     " + id).endsWith("B");
            });
    assertThat(kiln("s", "images", "-q", "--no-trunc").out()).isEqualTo(digest + "\n");
    assertThat(kiln("s", "images", "-q", base).out()).isEqualTo(id + "\n");
    assertThat(kiln("s", "images", "-q", base + "x").out()).isEmpty();
    assertThat(kiln("s", "images", "--format", "json").out())
        .contains("\"Tag\":\"1\"", "\"Digest\":\"" + digest);
  }

  @Test
  void aNewNameIsPushedWithTheLayersThatOnlyTheBasesRegistryHas() throws IOException {
    Captured built = build("s", "FROM " + base + "\nENV B=c\n", "-t", "app");
    assertThat(built.exitCode()).as(built.err()).isZero();
    String target = base.replace("team/base:1", "other/app:2");
    assertThat(kiln("s", "tag", "app", target).exitCode()).isZero();
    assertThat(kiln("s", "tag", built.out().strip().substring(0, 20), target).exitCode()).isZero();

    Captured pushed = kiln("s", "push", target);

    assertThat(pushed.exitCode()).as(pushed.err()).isZero();
    assertThat(pushed.out()).endsWith("@" + built.out());
    Captured back = kiln("t", "pull", "-q", target);
    assertThat(back.out()).isEqualTo(built.out());
  }

  @Test
  void inspectAndHistoryTellTheConfiguration() throws IOException {
    kiln("s", "pull", base);

    JsonNode image = new ObjectMapper().readTree(kiln("s", "inspect", base).out()).get(0);
    assertThat(image.at("/Config/Labels/a").asText()).isEqualTo("b");
    assertThat(image.at("/RepoTags/0").asText()).isEqualTo(base);
    assertThat(image.at("/RootFS/Layers")).hasSize(1);
    assertThat(kiln("s", "inspect", "--raw", base).out()).contains("\"schemaVersion\":2");

    List<String> history = kiln("s", "history", base).out().lines().toList();
    assertThat(history).hasSize(4);
    assertThat(history.get(1)).contains("CMD [\"x\"]").contains("   0B");
    assertThat(history.get(3)).contains("COPY f /base");
  }

  @Test
  void namesGoAndWhatIsNotThereIsSaid() {
    kiln("s", "pull", base);
    Captured gone = kiln("s", "rmi", base);
    assertThat(gone.out()).isEqualTo("Untagged: " + base + "\n");

    Captured again = kiln("s", "rmi", base);
    assertThat(again.exitCode()).isEqualTo(1);
    assertThat(again.err()).contains("no image " + base, "kiln pull");
    assertThat(kiln("s", "rmi", "-f", base).exitCode()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect", "history", "push"})
  void anUnknownImageIsTheUsersToMend(String command) {
    Captured failed = kiln("s", command, "nobody");
    assertThat(failed.exitCode()).isEqualTo(1);
    assertThat(failed.err()).contains("kiln: no image docker.io/library/nobody:latest");
  }

  @Test
  void failuresOfRegistriesHaveTheirExitCodes() {
    Captured missing = kiln("s", "pull", base + "x");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.err()).contains("team/base:1x");
    // Nobody listens there.
    assertThat(kiln("s", "pull", "127.0.0.1:1/x").exitCode()).isEqualTo(3);
    assertThat(kiln("s", "pull", "UPPER/x y").exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0B",
    "999, 999B",
    "1000, 1.00kB",
    "12345, 12.3kB",
    "999600, 1.00MB",
    "123456789, 123MB",
    "5000000000, 5.00GB"
  })
  void sizesHaveThreeDigits(long bytes, String text) {
    assertThat(Table.size(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-26T11:59:59Z, 1 second ago",
    "2026-11-26T11:00:00Z, 1 hour ago",
    "2026-11-24T11:00:00Z, 2 days ago",
    "2026-11-01T12:00:00Z, 3 weeks ago",
    "2026-01-01T12:00:00+02:00, 10 months ago",
    "1970-01-01T00:00:00Z, N/A",
    "yesterday, N/A",
    "2027-01-01T00:00:00Z, 0 seconds ago",
  })
  void timesAreToldByTheirDistance(String time, String text) {
    var clock = Clock.fixed(Instant.parse("2026-11-26T12:00:00Z"), ZoneOffset.UTC);
    assertThat(Table.ago(time, clock)).isEqualTo(text);
  }
}
