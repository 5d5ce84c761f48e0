package build.kiln.runtime.cli.manifest;

import static build.kiln.runtime.cli.manifest.Rules.has;
import static build.kiln.runtime.cli.manifest.Rules.lasts;
import static build.kiln.runtime.cli.manifest.Rules.matches;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The rules that only ImagePrunePolicy's CRD has; see {@link Rules}. */
final class PruneRules {
  private static final String LASTS =
      "self.matches('^([0-9]{1,9}([.][0-9]{1,9})?(h|ms|m|s))+$') && duration(self) >= duration('%dh') && duration(self) <= duration('%dh')";

  static final Map<String, Predicate<JsonNode>> ROWS =
      Map.ofEntries(
          Map.entry(
              "self.all(g, g.matches('^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/[a-z0-9*][a-z0-9*._/-]*$'))",
              Rules.all(
                  matches(
                      "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/[a-z0-9*][a-z0-9*._/-]*\\z"))),
          Map.entry(
              "self.all(a, a.matches('^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$'))",
              Rules.all(matches("^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?\\z"))),
          Map.entry(
              "self.all(c, c.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'))",
              Rules.all(matches("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\\z"))),
          Map.entry(
              "has(self.majors) || has(self.minors) || has(self.patches)",
              any("majors", "minors", "patches")),
          Map.entry("has(self.tags) || has(self.regex)", any("tags", "regex")),
          Map.entry(
              "has(self.keepLast) || has(self.keepYoungerThan) || has(self.keepSemver)",
              any("keepLast", "keepYoungerThan", "keepSemver")),
          Map.entry("has(self.rules) || has(self.untagged)", any("rules", "untagged")),
          Map.entry(
              "has(self.registries) || has(self.cache) || has(self.builds) || has(self.nodes)",
              any("registries", "cache", "builds", "nodes")),
          Map.entry(
              "!has(self.nodes) || !has(self.protect) || !has(self.protect.labels)",
              self ->
                  !has(self, "nodes")
                      || !has(self, "protect")
                      || !has(self.path("protect"), "labels")),
          Map.entry("self.all(k, k.matches('^[^[:space:]]+$'))", Rules.all(matches("^\\S+\\z"))),
          Map.entry(
              LASTS.formatted(48, 87600),
              self -> lasts(self, Duration.ofHours(48), Duration.ofHours(87600))),
          Map.entry(
              "self.matches('^https?://[^/@[:space:]]+(/[^[:space:]]*)?$')",
              matches("^https?://[^/@\\s]+(/\\S*)?\\z")),
          Map.entry(
              "!has(self.timeZone) || has(self.schedule)",
              self -> !has(self, "timeZone") || has(self, "schedule")),
          Map.entry(
              LASTS.formatted(1, 8760),
              self -> lasts(self, Duration.ofHours(1), Duration.ofHours(8760))),
          Map.entry(
              LASTS.formatted(1, 87600),
              self -> lasts(self, Duration.ofHours(1), Duration.ofHours(87600))),
          ScheduleRule.ROW,
          Map.entry(
              "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",
              matches("^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*\\z")),
          Map.entry(
              "self.matches('^([a-z0-9][a-z0-9.-]*/)?v[0-9][a-z0-9]*$')",
              matches("^([a-z0-9][a-z0-9.-]*/)?v[0-9][a-z0-9]*\\z")),
          Map.entry("self.matches('^[A-Z][A-Za-z0-9]*$')", matches("^[A-Z][A-Za-z0-9]*\\z")),
          Map.entry("self.matches('^[{]?[$]?[.\\\\[]')", matches("^[{]?[$]?[.\\[]")));

  private PruneRules() {}

  private static Predicate<JsonNode> any(String... fields) {
    return self -> Stream.of(fields).anyMatch(field -> has(self, field));
  }
}
