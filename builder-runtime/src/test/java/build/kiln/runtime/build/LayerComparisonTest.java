package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is told of two layers that differ. */
class LayerComparisonTest {
  @TempDir Path folder;

  private static LayerSource file(EntryMeta meta, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return sink -> {
      sink.add(EntryMeta.directory("d", 0755, 0, 0, 1));
      sink.add(meta, new ByteArrayInputStream(bytes));
    };
  }

  private static LayerSource file(int mode, int uid, long time, String text) {
    return file(EntryMeta.file("d/f", mode, uid, 0, time, text.length()), text);
  }

  private static LayerSource entry(EntryMeta meta) {
    return sink -> sink.add(meta);
  }

  private static EntryMeta device(int minor) {
    return new EntryMeta(
        "d", Kind.CHARACTER_DEVICE, 0644, 0, 0, 1, 0, 0, null, 1, minor, new TreeMap<>(), 0);
  }

  private static EntryMeta withAttribute(String value) {
    return new EntryMeta(
        "f",
        Kind.DIRECTORY,
        0755,
        0,
        0,
        1,
        0,
        0,
        null,
        0,
        0,
        new TreeMap<>(Map.of("user.a", value.getBytes(StandardCharsets.UTF_8))),
        0);
  }

  static Stream<Arguments> differences() {
    return Stream.of(
        Arguments.of(
            file(0644, 0, 1, "abc"),
            file(0644, 0, 1, "abd"),
            "/d/f: content: differs from byte 3 on"),
        Arguments.of(
            file(0644, 0, 1, "abc"),
            file(0600, 7, 2, "abcd"),
            "/d/f: mode: first build 0644, second build 0600; owner: first build 0:0, second build"
                + " 7:0; size: first build 3, second build 4; content: differs from byte 4 on;"
                + " time: first build 1970-01-01T00:00:01Z, second build 1970-01-01T00:00:02Z"),
        Arguments.of(
            file(0644, 0, 1, "abc"),
            file(0644, 0, 9, "abc"),
            "(times) /d/f: time: first build 1970-01-01T00:00:01Z, second build"
                + " 1970-01-01T00:00:09Z"),
        Arguments.of(
            entry(EntryMeta.symlink("l", "a", 0, 0, 1)),
            entry(EntryMeta.symlink("l", "b", 0, 0, 1)),
            "/l: link: first build a, second build b"),
        Arguments.of(
            entry(EntryMeta.symlink("l", "a", 0, 0, 1)),
            entry(EntryMeta.directory("l", 0777, 0, 0, 1)),
            "/l: kind: first build SYMLINK, second build DIRECTORY; link: first build a, second"
                + " build null"),
        Arguments.of(
            entry(device(3)), entry(device(5)), "/d: device: first build 1,3, second build 1,5"),
        Arguments.of(
            entry(withAttribute("a")),
            entry(withAttribute("b")),
            "/f: attribute user.a: first build 61, second build 62"),
        Arguments.of(
            entry(withAttribute("a")),
            entry(EntryMeta.directory("f", 0755, 0, 0, 1)),
            "/f: attribute user.a: first build 61, second build none"),
        Arguments.of(
            (LayerSource) sink -> sink.whiteout("gone"),
            entry(EntryMeta.directory("f", 0755, 0, 0, 1)),
            "/gone (removed): only the first build has it"),
        Arguments.of(
            (LayerSource) sink -> {},
            (LayerSource) sink -> sink.opaque("empty"),
            "/empty (emptied): only the second build has it"),
        // A time is told only if there is nothing else, wherever that is.
        Arguments.of(
            (LayerSource)
                sink -> {
                  sink.add(EntryMeta.directory("a", 0755, 0, 0, 1));
                  sink.add(EntryMeta.directory("b", 0755, 0, 0, 1));
                },
            (LayerSource)
                sink -> {
                  sink.add(EntryMeta.directory("a", 0755, 0, 0, 2));
                  sink.add(EntryMeta.directory("b", 0700, 0, 0, 1));
                },
            "/b: mode: first build 0755, second build 0700"),
        Arguments.of(
            (LayerSource)
                sink -> {
                  sink.add(EntryMeta.directory("a", 0755, 0, 0, 1));
                  sink.add(EntryMeta.directory("b", 0755, 0, 0, 1));
                },
            (LayerSource)
                sink -> {
                  sink.add(EntryMeta.directory("b", 0755, 0, 0, 1));
                  sink.add(EntryMeta.directory("a", 0755, 0, 0, 1));
                },
            ": the entries are the same, the archives are not"));
  }

  @ParameterizedTest
  @MethodSource("differences")
  void theFirstDifference(LayerSource one, LayerSource other, String told) throws Exception {
    try (var store = LocalStore.open(folder)) {
      ImageDifference found =
          LayerComparison.compare(
              "layer 1",
              store.layers(),
              store.layers().write(one, Compression.GZIP),
              store.layers().write(other, Compression.GZIP));

      assertThat(
              (found.times() ? "(times) " : "")
                  + found.path()
                  + ": "
                  + String.join("; ", found.what()))
          .isEqualTo(told);
      assertThat(found.text()).startsWith("two builds differ in layer 1");
    }
  }
}
