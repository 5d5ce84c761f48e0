package build.kiln.runtime.node;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.work.NodeOrder;
import build.kiln.runtime.cri.CriImage;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which images of a node go.
 *
 * @param unusedFor how long no run may have seen a container of it
 * @param gracePeriod how long ago it and its names must have been seen first
 * @param keep those that stay by name
 * @param tags regular expressions of tags that keep what has one
 * @param pulled those that can be pulled again, where the runtime does not tell
 * @param maxDeletions in one run
 * @param maxPercent of all images in one run
 */
public record NodeRules(
    Duration unusedFor,
    Duration gracePeriod,
    List<Glob> keep,
    List<Tag> tags,
    List<Glob> pulled,
    int maxDeletions,
    int maxPercent) {
  /**
   * A pattern of names, in which {@code *} is any text.
   *
   * @param rule the field of the policy
   */
  public record Glob(String rule, String text, Pattern pattern) {
    static Glob of(String rule, String text) {
      String regex =
          Stream.of(text.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
      return new Glob(rule, text, Pattern.compile(regex, Pattern.DOTALL));
    }

    boolean matches(CriImage image) {
      return image.names().anyMatch(this::matches);
    }

    private boolean matches(String name) {
      return Stream.of(name, CriImage.repository(name))
          .anyMatch(spelling -> pattern.matcher(spelling).matches());
    }
  }

  /**
   * A regular expression, found anywhere in a tag.
   *
   * @param rule the field of the policy
   */
  public record Tag(String rule, Pattern pattern) {
    private Optional<Kept> keeps(CriImage image) {
      return image.tags().stream()
          .filter(name -> pattern.matcher(tag(name)).find())
          .map(name -> new Kept(rule, "%s has a tag of %s".formatted(name, pattern)))
          .findFirst();
    }

    private static String tag(String name) {
      int colon = CriImage.repository(name).length();
      return colon < name.length() ? name.substring(colon + 1) : "";
    }
  }

  /**
   * Why an image stays.
   *
   * @param rule the field of the policy
   * @param detail for people
   */
  record Kept(String rule, String detail) {}

  private static final Duration SHORTEST = Duration.ofHours(1);
  private static final Duration LONGEST = Duration.ofHours(8760);

  /** The longest day. */
  private static final Duration DAILY = Duration.ofHours(25);

  public NodeRules {
    keep = List.copyOf(keep);
    tags = List.copyOf(tags);
    pulled = List.copyOf(pulled);
  }

  /**
   * Those of an order.
   *
   * @throws IOException if they are not such as the CRD's schema lets through: an installation may
   *     have another one
   */
  public static NodeRules of(NodeOrder order) throws IOException {
    return new NodeRules(
        duration("nodes.unusedFor", order.rules().unusedFor()),
        duration("gracePeriod", order.gracePeriod()),
        patterns("nodes.keep", order.rules().keep()),
        tags(order.protectedTags()),
        patterns("nodes.pulled", order.rules().pulled()),
        within("nodes.limits.maxDeletions", order.rules().limits().maxDeletions(), 10_000),
        within("nodes.limits.maxPercent", order.rules().limits().maxPercent(), 100));
  }

  private static Duration duration(String field, String text) throws IOException {
    try {
      Duration duration = Durations.parse(text);
      if (duration.compareTo(SHORTEST) >= 0 && duration.compareTo(LONGEST) <= 0) {
        return duration;
      }
    } catch (IllegalArgumentException e) {
      throw new IOException("%s: %s".formatted(field, e.getMessage()), e);
    }
    throw new IOException("%s is %s, and must be from 1h to 8760h".formatted(field, text));
  }

  private static int within(String field, int value, int most) throws IOException {
    if (value < 1 || value > most) {
      throw new IOException("%s is %d, and must be from 1 to %d".formatted(field, value, most));
    }
    return value;
  }

  /** How much of a time without looks counts; of runs that come daily, all of it. */
  Duration mostOfAGap() {
    Duration quarter = unusedFor.dividedBy(4);
    return quarter.compareTo(DAILY) < 0 ? quarter : DAILY;
  }

  /** What keeps an image by its name, and the field that says so. */
  Optional<Kept> keeps(CriImage image) {
    return keep.stream()
        .filter(pattern -> pattern.matches(image))
        .map(pattern -> new Kept(pattern.rule(), pattern.text()))
        .findFirst()
        .or(() -> tags.stream().flatMap(tag -> tag.keeps(image).stream()).findFirst());
  }

  private static List<Tag> tags(@Nullable List<String> regexes) throws IOException {
    List<Tag> tags = new ArrayList<>();
    for (String regex : regexes == null ? List.<String>of() : regexes) {
      String rule = "protect.tags[%d]".formatted(tags.size());
      try {
        tags.add(new Tag(rule, Pattern.compile(regex)));
      } catch (PatternSyntaxException e) {
        throw new IOException(
            "%s: \"%s\" is no regular expression: %s".formatted(rule, regex, e.getDescription()),
            e);
      }
    }
    return tags;
  }

  /** Whether all names are such that the policy says it can be pulled again. */
  boolean saysPulled(CriImage image) {
    return image.names().findAny().isPresent()
        && image.names().allMatch(name -> pulled.stream().anyMatch(pull -> pull.matches(name)));
  }

  private static List<Glob> patterns(String field, @Nullable List<String> globs) {
    List<Glob> patterns = new ArrayList<>();
    for (String glob : globs == null ? List.<String>of() : globs) {
      patterns.add(Glob.of("%s[%d]".formatted(field, patterns.size()), glob));
    }
    return patterns;
  }
}
