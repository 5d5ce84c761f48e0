package build.kiln.runtime.node;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.work.NodeOrder;
import build.kiln.runtime.cri.CriImage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which images of a node go.
 *
 * @param unusedFor how long no run may have seen a container of it
 * @param gracePeriod how long ago it and its names must have been seen first
 * @param keep those that stay by name
 * @param maxDeletions in one run
 * @param maxPercent of all images in one run
 */
public record NodeRules(
    Duration unusedFor, Duration gracePeriod, List<Keep> keep, int maxDeletions, int maxPercent) {
  /**
   * A pattern of names, in which {@code *} is any text.
   *
   * @param rule the field of the policy
   */
  public record Keep(String rule, String glob, Pattern pattern) {
    static Keep of(String rule, String glob) {
      String regex =
          Stream.of(glob.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
      return new Keep(rule, glob, Pattern.compile(regex, Pattern.DOTALL));
    }

    boolean matches(CriImage image) {
      return image
          .names()
          .flatMap(name -> Stream.of(name, withoutTag(name)))
          .anyMatch(name -> pattern.matcher(name).matches());
    }

    private static String withoutTag(String name) {
      int at = name.indexOf('@');
      String tagged = at < 0 ? name : name.substring(0, at);
      int colon = tagged.lastIndexOf(':');
      return colon > tagged.lastIndexOf('/') ? tagged.substring(0, colon) : tagged;
    }
  }

  public NodeRules {
    keep = List.copyOf(keep);
  }

  /** Those of an order. */
  public static NodeRules of(NodeOrder order) {
    @Nullable List<String> globs = order.rules().keep();
    List<Keep> keep = new ArrayList<>();
    for (String glob : globs == null ? List.<String>of() : globs) {
      keep.add(Keep.of("nodes.keep[%d]".formatted(keep.size()), glob));
    }
    return new NodeRules(
        Durations.parse(order.rules().unusedFor()),
        Durations.parse(order.gracePeriod()),
        keep,
        order.rules().limits().maxDeletions(),
        order.rules().limits().maxPercent());
  }

  Optional<Keep> keeps(CriImage image) {
    return keep.stream().filter(pattern -> pattern.matches(image)).findFirst();
  }
}
