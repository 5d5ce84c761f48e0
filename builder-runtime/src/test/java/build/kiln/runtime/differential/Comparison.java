package build.kiln.runtime.differential;

import build.kiln.runtime.differential.Image.Node;
import build.kiln.runtime.differential.LayerEntries.Entry;
import build.kiln.runtime.differential.LayerEntries.Kind;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is not the same in two images, a line each.
 *
 * <p>Times: BuildKit gives the build's moment to what has no time of its own: what RUN makes,
 * directories that COPY makes or puts something into, here-documents. Kiln gives all but the first
 * a time that does not depend on the moment (docs/dockerfile.md). So a time is compared where
 * BuildKit fixes it: where it is not the moment.
 *
 * <p>Mount points: BuildKit leaves those in the image that a base lacks, Kiln does not.
 */
final class Comparison {
  /** Contexts and archives in the corpus are older, whoever builds is younger. */
  private static final Instant MOMENT = Instant.parse("2025-01-01T00:00:00Z");

  private static final Set<String> MOUNT_POINTS = Set.of("dev", "proc", "sys");

  private static final String HISTORY_MARK = " # buildkit";

  private final List<String> differences = new ArrayList<>();

  private Comparison() {}

  static List<String> differences(Image kiln, Image buildKit) {
    var comparison = new Comparison();
    comparison.files(kiln.files(), buildKit.files());
    comparison.configs(kiln.config(), buildKit.config());
    if (kiln.layers().size() != buildKit.layers().size()) {
      comparison.differ("layers", kiln.layers().size(), buildKit.layers().size());
    }
    return comparison.differences;
  }

  private void differ(String what, Object kiln, Object buildKit) {
    differences.add("%s: Kiln %s, BuildKit %s".formatted(what, kiln, buildKit));
  }

  private void files(NavigableMap<String, Node> kiln, NavigableMap<String, Node> buildKit) {
    var paths = new TreeSet<>(kiln.keySet());
    paths.addAll(buildKit.keySet());
    Map<Node, String> kilnLinks = firstNames(kiln);
    Map<Node, String> buildKitLinks = firstNames(buildKit);
    for (String path : paths) {
      Node ours = kiln.get(path);
      Node theirs = buildKit.get(path);
      if (ours == null && MOUNT_POINTS.contains(path)) {
        continue;
      }
      if (ours == null || theirs == null) {
        differ(
            "/" + path,
            ours == null ? "none" : words(ours),
            theirs == null ? "none" : words(theirs));
        continue;
      }
      entries("/" + path, ours.entry(), theirs.entry());
      String ourFirst = kilnLinks.getOrDefault(ours, "");
      String theirFirst = buildKitLinks.getOrDefault(theirs, "");
      if (!ourFirst.equals(theirFirst)) {
        differ("/" + path + " is the same file as", "/" + ourFirst, "/" + theirFirst);
      }
    }
  }

  private static Map<Node, String> firstNames(NavigableMap<String, Node> files) {
    var names = new HashMap<Node, String>();
    files.forEach((path, node) -> names.putIfAbsent(node, path));
    return names;
  }

  private static String words(Node node) {
    Entry e = node.entry();
    return "%s %04o %d:%d %s".formatted(e.kind(), e.mode(), e.uid(), e.gid(), e.rest()).strip();
  }

  private void entries(String path, Entry kiln, Entry buildKit) {
    if (kiln.kind() != buildKit.kind()) {
      differ(path, kiln.kind(), buildKit.kind());
      return;
    }
    if (kiln.mode() != buildKit.mode() && kiln.kind() != Kind.SYMLINK) {
      differ(path + " mode", "%04o".formatted(kiln.mode()), "%04o".formatted(buildKit.mode()));
    }
    if (kiln.uid() != buildKit.uid() || kiln.gid() != buildKit.gid()) {
      differ(path + " owner", kiln.uid() + ":" + kiln.gid(), buildKit.uid() + ":" + buildKit.gid());
    }
    if (!kiln.rest().equals(buildKit.rest())) {
      String what =
          switch (kiln.kind()) {
            case SYMLINK -> " target";
            case CHARACTER_DEVICE, BLOCK_DEVICE -> " device";
            default -> " content";
          };
      differ(path + what, kiln.rest(), buildKit.rest());
    }
    if (!kiln.xattrs().equals(buildKit.xattrs())) {
      differ(path + " xattrs", kiln.xattrs(), buildKit.xattrs());
    }
    if (!sameTime(kiln, buildKit)) {
      differ(
          path + " time",
          Instant.ofEpochSecond(kiln.mtime()),
          Instant.ofEpochSecond(buildKit.mtime()));
    }
  }

  private static boolean sameTime(Entry kiln, Entry buildKit) {
    return buildKit.mtime() >= MOMENT.getEpochSecond() || kiln.mtime() == buildKit.mtime();
  }

  private void configs(JsonNode kiln, JsonNode buildKit) {
    for (String field : List.of("author", "architecture", "variant", "os")) {
      same(field, kiln.path(field), buildKit.path(field));
    }
    time("created", kiln.path("created"), buildKit.path("created"));
    var fields = new TreeSet<String>();
    kiln.path("config").fieldNames().forEachRemaining(fields::add);
    buildKit.path("config").fieldNames().forEachRemaining(fields::add);
    for (String field : fields) {
      same("config " + field, kiln.path("config").path(field), buildKit.path("config").path(field));
    }
    histories(kiln.path("history"), buildKit.path("history"));
  }

  private void histories(JsonNode kiln, JsonNode buildKit) {
    if (kiln.size() != buildKit.size()) {
      differ("history's length", kiln.size(), buildKit.size());
    }
    for (int i = 0; i < Math.max(kiln.size(), buildKit.size()); i++) {
      JsonNode ours = kiln.path(i);
      JsonNode theirs = buildKit.path(i);
      String what = "history " + i + " ";
      String text = theirs.path("created_by").asText();
      String expected =
          text.endsWith(HISTORY_MARK)
              ? text.substring(0, text.length() - HISTORY_MARK.length())
              : text;
      boolean internal = expected.startsWith("HEALTHCHECK &{");
      String found = ours.path("created_by").asText();
      if (internal ? !found.startsWith("HEALTHCHECK ") : !found.equals(expected)) {
        differ(what + "created_by", ours.path("created_by"), '"' + expected + '"');
      }
      if (ours.path("empty_layer").asBoolean() != theirs.path("empty_layer").asBoolean()) {
        differ(what + "empty_layer", ours.path("empty_layer"), theirs.path("empty_layer"));
      }
      same(what + "author", ours.path("author"), theirs.path("author"));
      time(what + "created", ours.path("created"), theirs.path("created"));
    }
  }

  private void same(String what, JsonNode kiln, JsonNode buildKit) {
    if (!orMissing(kiln).equals(orMissing(buildKit))) {
      differ(what, kiln, buildKit);
    }
  }

  /** Whether a field is left out or empty is the same for who reads it. */
  private static JsonNode orMissing(JsonNode node) {
    boolean nothing =
        node.isNull()
            || node.isContainerNode() && node.isEmpty()
            || node.isTextual() && node.asText().isEmpty();
    return nothing ? MissingNode.getInstance() : node;
  }

  private void time(String what, JsonNode kiln, JsonNode buildKit) {
    if (!buildKit.isTextual()) {
      return;
    }
    Instant theirs = Instant.parse(buildKit.asText());
    if (theirs.isBefore(MOMENT)
        && !(kiln.isTextual() && Instant.parse(kiln.asText()).equals(theirs))) {
      differ(what, kiln, buildKit);
    }
  }
}
