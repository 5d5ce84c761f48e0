package build.kiln.runtime.cli.manifest;

import build.kiln.api.v1alpha1.Durations;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The CRDs' CEL rules in Java, by the rule's text: a row each. The texts that people read are the
 * CRD's. A rule without a row, or a row without a rule, fails a test.
 *
 * <p>CEL's {@code matches} searches, and its {@code $} is only the text's end: {@code find} and
 * {@code \z} here. The schema was checked before, so types are right; defaults may be missing.
 */
final class Rules {
  private static final Pattern DURATION =
      Pattern.compile("^([0-9]{1,9}([.][0-9]{1,9})?(h|ms|m|s))+\\z");
  private static final Pattern EPOCH = Pattern.compile("^(commit|[0-9]{1,10})\\z");
  private static final Pattern QUANTITY =
      Pattern.compile(
          "[-+]?([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?");

  private static final String REPOSITORY =
      "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?"
          + "[a-z0-9]++(([._]|__|-+)[a-z0-9]++)*+(/[a-z0-9]++(([._]|__|-+)[a-z0-9]++)*+)*+";

  private static final Map<String, Predicate<JsonNode>> ROWS =
      Map.ofEntries(
          Map.entry(
              "self.matches('^[A-Za-z_][A-Za-z0-9_]*$')", matches("^[A-Za-z_][A-Za-z0-9_]*\\z")),
          Map.entry(
              "self.matches('^[A-Za-z0-9][A-Za-z0-9_.-]*$')",
              matches("^[A-Za-z0-9][A-Za-z0-9_.-]*\\z")),
          Map.entry(
              "self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')",
              matches("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\\z")),
          Map.entry(
              "self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')",
              matches("^(?!\\.\\z|\\.\\.)[-._a-zA-Z0-9]+\\z")),
          Map.entry(
              "!self.matches('^/|(^|/)[.][.](/|$)')", matches("^/|(^|/)[.][.](/|\\z)").negate()),
          Map.entry(
              "self.matches('^[a-z0-9][a-z0-9._/:@-]*$')", matches("^[a-z0-9][a-z0-9._/:@-]*\\z")),
          Map.entry(
              "self != 'scratch' && !self.matches('^[0-9]+$')",
              matches("^(scratch|[0-9]+)\\z").negate()),
          Map.entry(
              "(has(self.git) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.inline) ? 1 : 0) + (has(self.image) ? 1 : 0) == 1",
              self ->
                  Stream.of("git", "configMap", "inline", "image").filter(f -> has(self, f)).count()
                      == 1),
          Map.entry(
              "self.matches('^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$')",
              matches(
                  REPOSITORY + "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?\\z")),
          Map.entry(
              "!has(self.valueFrom) || !has(self.value) || self.value == ''",
              self -> !has(self, "valueFrom") || self.path("value").asText().isEmpty()),
          Map.entry(
              "!(has(self.path) && has(self.inline))",
              self -> !(has(self, "path") && has(self, "inline"))),
          Map.entry(
              "self.matches('^([0-9]{1,9}([.][0-9]{1,9})?(h|ms|m|s))+$') && duration(self) <= duration('8760h')",
              self -> lasts(self, Duration.ZERO, Duration.ofHours(8760))),
          Map.entry(
              "self.matches('^([0-9]{1,9}([.][0-9]{1,9})?(h|ms|m|s))+$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",
              self -> lasts(self, Duration.ofMinutes(1), Duration.ofHours(8760))),
          Map.entry(
              "self.matches('^([0-9]{1,9}([.][0-9]{1,9})?(h|ms|m|s))+$') && duration(self) >= duration('10s') && duration(self) <= duration('168h')",
              self -> lasts(self, Duration.ofSeconds(10), Duration.ofHours(168))),
          Map.entry(
              "!has(self.level) || self.type == 'zstd' || self.level <= 9",
              self ->
                  !has(self, "level")
                      || self.path("type").asText().equals("zstd")
                      || self.path("level").asLong() <= 9),
          Map.entry("!self.contains('@')", self -> !self.asText().contains("@")),
          Map.entry("!self.matches(':[^/]*$')", matches(":[^/]*\\z").negate()),
          Map.entry(
              "self.matches('@|:[^/]*$') || self.matches('^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*$')",
              matches("@|:[^/]*\\z").or(matches(REPOSITORY + "\\z"))),
          Map.entry(
              "self.matches('^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*$')",
              matches(REPOSITORY + "\\z")),
          Map.entry(
              "has(self.registry) || has(self.volume) || (has(self.disabled) && self.disabled)",
              self ->
                  has(self, "registry")
                      || has(self, "volume")
                      || self.path("disabled").asBoolean()),
          Map.entry(
              "self.all(t, t.matches('^([A-Za-z0-9_]|[{][{](git[.]sha|git[.]shortSha|run)[}][}])([A-Za-z0-9_.-]|[{][{](git[.]sha|git[.]shortSha|run)[}][}])*$'))",
              all(
                  matches(
                      "^([A-Za-z0-9_]|[{][{](git[.]sha|git[.]shortSha|run)[}][}])([A-Za-z0-9_.-]|[{][{](git[.]sha|git[.]shortSha|run)[}][}])*\\z"))),
          Map.entry("self <= 511", self -> self.asLong() <= 0777),
          Map.entry(
              "self.matches('^[A-Za-z0-9_][^[:space:]~^:?*\\\\[\\\\\\\\]*$')",
              matches("^[A-Za-z0-9_][^\\s~^:?*\\[\\\\]*\\z")),
          Map.entry(
              "self.matches('^(https?|ssh|git)://[^/[:space:]]+/?[^[:space:]]*$') || self.matches('^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^[:space:]]+$')",
              matches("^(https?|ssh|git)://[^/\\s]+/?\\S*\\z")
                  .or(matches("^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:\\S+\\z"))),
          Map.entry(
              "!self.matches('^https?://[^/]*@|^[a-z]+://[^/]*:[^/]*@')",
              matches("^https?://[^/]*@|^[a-z]+://[^/]*:[^/]*@").negate()),
          Map.entry(
              "self.map(f, size(f.content)).sum() <= 262144",
              self -> stream(self).mapToLong(f -> characters(f.path("content"))).sum() <= 262_144),
          Map.entry(
              "(has(self.git) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.inline) ? 1 : 0) == 1",
              self ->
                  Set.of("git", "configMap", "inline").stream().filter(f -> has(self, f)).count()
                      == 1),
          Map.entry(
              "type(self) == int ? self >= 0 && self <= 2147483647 : string(self).matches('^(commit|[0-9]{1,10})$')",
              self ->
                  self.isNumber()
                      ? self.canConvertToInt() && self.asInt() >= 0
                      : EPOCH.matcher(self.asText()).find()),
          Map.entry(
              "!has(self.reproducible) || self.reproducible.sourceDateEpoch != 'commit' || (has(self.source) && has(self.source.git))",
              self ->
                  !self.path("reproducible").path("sourceDateEpoch").asText().equals("commit")
                      || has(self.path("source"), "git")),
          Map.entry(
              "!has(self.reproducible) || !has(self.buildArgs) || !self.buildArgs.exists(a, a.name == 'SOURCE_DATE_EPOCH')",
              self ->
                  !has(self, "reproducible")
                      || stream(self.path("buildArgs"))
                          .noneMatch(a -> a.path("name").asText().equals("SOURCE_DATE_EPOCH"))),
          Map.entry(
              "isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0'))",
              Rules::positiveQuantity),
          Map.entry(
              "isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('0'))",
              Rules::quantityOfNoLessThanZero),
          Map.entry(
              "has(self.source) || (has(self.dockerfile) && has(self.dockerfile.inline))",
              self -> has(self, "source") || has(self.path("dockerfile"), "inline")),
          Map.entry(
              "!self.output.tags.exists(t, t.contains('{{git.')) || (has(self.source) && has(self.source.git))",
              self ->
                  stream(self.path("output").path("tags"))
                          .noneMatch(t -> t.asText().contains("{{git."))
                      || has(self.path("source"), "git")));

  private Rules() {}

  /** The texts of all rules that have a row. */
  static Set<String> known() {
    return TABLES.stream()
        .flatMap(rows -> rows.get().keySet().stream())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Of all kinds, each made when it is come to; rules that several have are here. */
  private static final List<Supplier<Map<String, Predicate<JsonNode>>>> TABLES =
      List.of(() -> ROWS, () -> MirrorRules.ROWS, () -> PruneRules.ROWS);

  /** Whether a value keeps a rule. */
  static boolean keeps(String rule, JsonNode self) {
    for (Supplier<Map<String, Predicate<JsonNode>>> rows : TABLES) {
      Predicate<JsonNode> row = rows.get().get(rule);
      if (row != null) {
        return row.test(self);
      }
    }
    throw new IllegalStateException("no row in Java for the CRD's rule: " + rule);
  }

  static boolean has(JsonNode self, String field) {
    return self.hasNonNull(field);
  }

  static Predicate<JsonNode> matches(String expression) {
    return new Matches(expression);
  }

  /** Most rules are of fields that a document has not, so expressions are compiled when used. */
  private static final class Matches implements Predicate<JsonNode> {
    private final String expression;
    private volatile @Nullable Pattern pattern;

    Matches(String expression) {
      this.expression = expression;
    }

    @Override
    public boolean test(JsonNode self) {
      Pattern compiled = pattern;
      if (compiled == null) {
        compiled = Pattern.compile(expression);
        pattern = compiled;
      }
      return compiled.matcher(self.asText()).find();
    }
  }

  static Predicate<JsonNode> all(Predicate<JsonNode> each) {
    return self -> stream(self).allMatch(each);
  }

  private static Stream<JsonNode> stream(JsonNode items) {
    return StreamSupport.stream(items.spliterator(), false);
  }

  static boolean lasts(JsonNode self, Duration least, Duration most) {
    String text = self.asText();
    if (!DURATION.matcher(text).find()) {
      return false;
    }
    try {
      Duration duration = Durations.parse(text);
      return duration.compareTo(least) >= 0 && duration.compareTo(most) <= 0;
    } catch (IllegalArgumentException e) {
      return false; // longer than a duration can be
    }
  }

  private static boolean positiveQuantity(JsonNode self) {
    var quantity = QUANTITY.matcher(self.asText());
    return quantity.matches() && !self.asText().startsWith("-") && notZero(quantity);
  }

  private static boolean quantityOfNoLessThanZero(JsonNode self) {
    var quantity = QUANTITY.matcher(self.asText());
    return quantity.matches() && !(self.asText().startsWith("-") && notZero(quantity));
  }

  private static boolean notZero(Matcher quantity) {
    return quantity.group(1).chars().anyMatch(c -> c >= '1' && c <= '9');
  }

  private static long characters(JsonNode text) {
    return text.asText().codePoints().count();
  }
}
