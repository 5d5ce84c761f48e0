package build.kiln.runtime.cli.manifest;

import static build.kiln.runtime.cli.manifest.Rules.all;
import static build.kiln.runtime.cli.manifest.Rules.has;
import static build.kiln.runtime.cli.manifest.Rules.matches;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The rules that only ImageMirror's CRD has; see {@link Rules}. */
final class MirrorRules {
  private static final String HOST = "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?";

  static final Map<String, Predicate<JsonNode>> ROWS =
      Map.ofEntries(
          Map.entry(
              "!has(self.destination.repository) || has(self.source.repository)",
              self ->
                  !has(self.path("destination"), "repository")
                      || has(self.path("source"), "repository")),
          Map.entry(
              "has(self.tags) || has(self.source.digests)",
              self -> has(self, "tags") || has(self.path("source"), "digests")),
          Map.entry(
              "!(has(self.schedule) && has(self.interval))",
              self -> !(has(self, "schedule") && has(self, "interval"))),
          Map.entry("!has(self.timeZone) || has(self.schedule)", needs("timeZone", "schedule")),
          Map.entry(
              "!has(self.rewrite) || !self.rewrite || has(self.platforms)",
              self -> !self.path("rewrite").asBoolean() || has(self, "platforms")),
          Map.entry(
              "!has(self.artifactTypes) || (has(self.referrers) && self.referrers)",
              self -> !has(self, "artifactTypes") || self.path("referrers").asBoolean()),
          Map.entry("has(self.repository) != has(self.prefix)", oneOf("repository", "prefix")),
          Map.entry("has(self.repository) != has(self.registry)", oneOf("repository", "registry")),
          Map.entry(
              "has(self.registry) == has(self.repositories)",
              oneOf("registry", "repositories").negate()),
          Map.entry("!has(self.digests) || has(self.repository)", needs("digests", "repository")),
          Map.entry("!has(self.latestBy) || has(self.latest)", needs("latestBy", "latest")),
          Map.entry(
              "has(self.all) && self.all || has(self.include) || has(self.regex) || has(self.semver) || has(self.latest)",
              self ->
                  self.path("all").asBoolean()
                      || Stream.of("include", "regex", "semver", "latest")
                          .anyMatch(field -> has(self, field))),
          Map.entry(
              "self.matches('^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$')",
              matches(HOST + "\\z")),
          Map.entry(
              "self.matches('^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*$')",
              matches(HOST + "(/[a-z0-9]++(([._]|__|-+)[a-z0-9]++)*+)*+\\z")),
          Map.entry(
              "self.all(t, t.matches('^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$'))",
              all(matches("^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?\\z"))),
          ScheduleRule.ROW,
          Map.entry(
              "self.all(t, t.matches('^sha256:[a-f0-9]{64}$|^sha512:[a-f0-9]{128}$'))",
              all(matches("^sha256:[a-f0-9]{64}\\z|^sha512:[a-f0-9]{128}\\z"))),
          Map.entry(
              "self.all(t, t.matches('^[a-z0-9*][a-z0-9._/*-]*$'))",
              all(matches("^[a-z0-9*][a-z0-9._/*-]*\\z"))),
          Map.entry(
              "self.all(t, t.matches('^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]*$'))",
              all(matches("^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]*\\z"))),
          Map.entry(
              "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",
              matches("^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*\\z")));

  private MirrorRules() {}

  private static Predicate<JsonNode> needs(String field, String other) {
    return self -> !has(self, field) || has(self, other);
  }

  private static Predicate<JsonNode> oneOf(String field, String other) {
    return self -> has(self, field) != has(self, other);
  }
}
