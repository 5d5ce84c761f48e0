package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.cli.PruneFilters.Label;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code kiln builder prune}, {@code image prune}, {@code system prune} and {@code system df}. */
class PruneCommandsTest {
  private static final Instant NOW = Instant.parse("2026-03-04T05:06:07Z");

  @TempDir Path folder;

  private Captured kiln(String... arguments) {
    return Captured.run(withStore(arguments));
  }

  private String[] withStore(String... arguments) {
    var all = new ArrayList<>(List.of(arguments));
    all.add("--store");
    all.add(folder.resolve("s").toString());
    return all.toArray(String[]::new);
  }

  private Captured answering(String answer, String... arguments) {
    return Captured.reading(answer.getBytes(StandardCharsets.UTF_8), withStore(arguments));
  }

  private String build(String dockerfile, String... options) throws IOException {
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("Dockerfile"), dockerfile);
    Files.writeString(context.resolve("f"), "content".repeat(100));
    var all = new ArrayList<>(List.of("build", "-q", context.toString()));
    all.addAll(List.of(options));
    Captured built = kiln(all.toArray(String[]::new));
    assertThat(built.exitCode()).as(built.err()).isZero();
    return built.out().strip();
  }

  private String images() {
    return kiln("images", "-q", "--no-trunc").out();
  }

  @Test
  void danglingImagesGo() throws IOException {
    String old = build("FROM scratch\nCOPY f /a\n", "-t", "app");
    String young = build("FROM scratch\nCOPY f /b\n", "-t", "app");
    String unnamed = build("FROM scratch\nCOPY f /c\n");

    Captured pruned = answering("y\n", "image", "prune");

    assertThat(pruned.exitCode()).as(pruned.err()).isZero();
    assertThat(pruned.out())
        .startsWith(
            "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ")
        .contains("Deleted Images:\n", "deleted: " + old + "\n", "deleted: " + unnamed + "\n")
        .doesNotContain(young, "untagged")
        .containsPattern("Total reclaimed space: [0-9.]+k?B\n$");
    assertThat(images()).isEqualTo(young + "\n");
    assertThat(kiln("image", "prune", "-f").out()).isEqualTo("Total reclaimed space: 0B\n");
  }

  @Test
  void allImagesGoIfThatIsWanted() throws IOException {
    String app = build("FROM scratch\nCOPY f /a\nLABEL keep=no\n", "-t", "app", "-t", "x/y:2");
    String kept = build("FROM scratch\nCOPY f /b\nLABEL keep=yes\n", "-t", "kept");

    assertThat(kiln("image", "prune", "-af", "--filter", "label!=keep").out())
        .isEqualTo("Total reclaimed space: 0B\n");
    assertThat(kiln("image", "prune", "-af", "--filter", "until=1h").out())
        .isEqualTo("Total reclaimed space: 0B\n");
    Captured pruned = kiln("image", "prune", "-af", "--filter", "label!=keep=yes");

    assertThat(pruned.out())
        .contains(
            "untagged: docker.io/library/app:latest\n",
            "untagged: docker.io/x/y:2\n",
            "deleted: " + app + "\n")
        .doesNotContain(kept);
    assertThat(images()).isEqualTo(kept + "\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "n\n", "\n", "yep\n"})
  void withoutAYesNothingGoes(String answer) throws IOException {
    String image = build("FROM scratch\nCOPY f /a\n", "-t", "app");
    for (var command :
        List.of(
            List.of("image", "prune", "-a"),
            List.of("builder", "prune", "-a"),
            List.of("system", "prune", "-a"))) {
      Captured pruned = answering(answer, command.toArray(String[]::new));
      assertThat(pruned.exitCode()).isEqualTo(1);
      assertThat(pruned.err()).contains("nothing was removed");
    }
    assertThat(images()).isEqualTo(image + "\n");
    assertThat(kiln("system", "df").out()).doesNotContainPattern("Build Cache +0 ");
  }

  @Test
  void theBuildCacheGoesLeastRecentlyUsedFirst() throws IOException {
    build("FROM scratch\nCOPY f /a\n", "-t", "app");
    build("FROM scratch\nCOPY f /b\n");
    kiln("image", "prune", "-f");

    assertThat(kiln("builder", "prune", "-f", "--filter", "until=24h").out())
        .isEqualTo("Total: 0B\n");
    assertThat(kiln("builder", "prune", "-f", "--keep-storage", "1GB").out())
        .isEqualTo("Total: 0B\n");
    Captured pruned = answering("Y\n", "builder", "prune");

    assertThat(pruned.out())
        .startsWith("WARNING! This will remove all dangling build cache. Are you sure")
        .containsPattern("ID +TYPE +SIZE +LAST ACCESSED\n[0-9a-f]{12} +step +[0-9.]+k?B ")
        .containsPattern("\nTotal: [0-9.]+k?B\n$");
    assertThat(kiln("builder", "prune", "-af").out()).contains(" step ").contains(" index ");
    assertThat(kiln("builder", "prune", "-af").out()).isEqualTo("Total: 0B\n");
    try (var store = LocalStore.open(folder.resolve("s"))) {
      assertThat(store.list()).hasSize(1);
      assertThat(store.read(store.list().getFirst().descriptor())).isNotEmpty();
    }
  }

  @Test
  void everythingGoesWithTheSystem() throws IOException {
    build("FROM scratch\nCOPY f /a\n", "-t", "app");
    build("FROM scratch\nCOPY f /b\n");

    Captured some = answering("y\n", "system", "prune", "--filter", "label=none");
    assertThat(some.out())
        .startsWith("WARNING! This will remove:\n  - all dangling images\n\nAre you sure");
    assertThat(some.out()).endsWith("Total reclaimed space: 0B\n");
    Captured pruned = answering("y\n", "system", "prune", "-a");

    assertThat(pruned.out())
        .startsWith(
            "WARNING! This will remove:\n  - all images that no running build uses\n  - all build cache\n\nAre you sure")
        .contains("Deleted Images:\n", "Deleted build cache objects:\n");
    assertThat(kiln("system", "df", "--format", "json").out())
        .isEqualTo(
            """
            {"Type":"Images","TotalCount":0,"Active":0,"Size":0,"Reclaimable":0}
            {"Type":"Build Cache","TotalCount":0,"Active":0,"Size":0,"Reclaimable":0}
            {"Type":"Cache Mounts","TotalCount":0,"Active":0,"Size":0,"Reclaimable":0}
            """);
  }

  @Test
  void whatThereIsIsShown() throws IOException {
    build("FROM scratch\nCOPY f /a\n", "-t", "app");
    build("FROM scratch\nCOPY f /b\n");

    assertThat(kiln("system", "df").out().lines().toList())
        .satisfiesExactly(
            line -> assertThat(line).matches("TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE"),
            line -> assertThat(line).matches("Images +2 +0 +[0-9.]+k?B +[0-9.]+k?B \\(100%\\)"),
            line -> assertThat(line).matches("Build Cache +[0-9]+ +0 +[0-9.]+k?B +.* \\(100%\\)"),
            line -> assertThat(line).matches("Cache Mounts +0 +0 +0B +0B \\(0%\\)"));
  }

  @ParameterizedTest
  @CsvSource({
    "builder prune --filter label=x, want until=24h",
    "image prune --filter dangling=true, 'label=KEY'",
    "image prune --filter until, label=KEY",
    "image prune --filter until!=1h, label=KEY",
    "system prune --filter until=soon, want a duration",
    "builder prune --keep-storage much, want a size",
    "builder, a command is missing",
  })
  void wrongUseIsExplained(String command, String words) {
    Captured wrong = Captured.run(command.split(" "));

    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.err()).contains(words);
  }

  @ParameterizedTest
  @CsvSource({
    "24h, 2026-03-03T05:06:07Z",
    "1h30m, 2026-03-04T03:36:07Z",
    "2026-01-02, 2026-01-02T00:00:00Z",
    "2026-01-02T03:04:05, 2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05+01:00, 2026-01-02T02:04:05Z",
    "1700000000, 2023-11-14T22:13:20Z",
  })
  void timesAsDockerTakesThem(String text, Instant time) throws CommandFailure {
    var filters =
        PruneFilters.parse(
            List.of("until=" + text), Set.of("until"), Clock.fixed(NOW, ZoneOffset.UTC));
    assertThat(filters.until()).isEqualTo(time);
  }

  @Test
  void labelsAsDockerTakesThem() throws CommandFailure {
    var filters =
        PruneFilters.parse(
            List.of("label=a", "label=b=c=d", "label!=e", "label!=f=g"),
            Set.of("until", "label"),
            Clock.systemUTC());
    assertThat(filters.labels())
        .containsExactly(
            new Label("a", null, true),
            new Label("b", "c=d", true),
            new Label("e", null, false),
            new Label("f", "g", false));
    Map<String, String> labels = Map.of("a", "", "b", "c=d", "f", "x");
    assertThat(filters.labels()).allMatch(label -> label.accepts(labels));
    assertThat(filters.labels()).filteredOn(label -> label.accepts(Map.of())).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "10, 10",
    "1b, 1",
    "1k, 1024",
    "1KB, 1024",
    "1KiB, 1024",
    "1.5mb, 1572864",
    "2 GB, 2147483648",
    "1t, 1099511627776",
    "999999999999999p, 9223372036854775807"
  })
  void sizesAsDockerTakesThem(String text, long bytes) throws CommandFailure {
    assertThat(ByteSizes.parse("--x", text)).isEqualTo(bytes);
    assertThatThrownBy(() -> ByteSizes.parse("--x", text + "!")).hasMessageContaining("--x");
  }
}
