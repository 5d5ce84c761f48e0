package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.oci.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What runs saw of a node's images, by ID, since runtimes do not say when an image was pulled or
 * last used. Without it everything is seen for the first time, and stays.
 *
 * @param time of the last look; null if there was none
 */
public record NodeMemory(Map<String, Seen> images, @Nullable Instant time) {
  /** Of a node that nobody has looked at. */
  public static final NodeMemory NONE = new NodeMemory(Map.of(), null);

  private static final int HASH = 16;

  /**
   * What is known of an image. Both times are later than they were by what time without looks does
   * not count.
   *
   * @param firstSeen with the names that it has
   * @param unusedSince since when no run has seen a container of it; null if the last one did
   * @param names a hash of them
   */
  public record Seen(Instant firstSeen, @Nullable Instant unusedSince, String names) {}

  public NodeMemory {
    images = Map.copyOf(images);
  }

  /**
   * What is known after another look. An image that has other names than before was pulled again,
   * by whatever name, and so is new; times that are ahead of the clock count as now. Of a time
   * without looks no more than a bound counts: what was in use then nobody knows.
   *
   * @param inUse whether a container has the image
   * @param most of a time without looks counts
   */
  NodeMemory seeing(List<CriImage> now, Predicate<CriImage> inUse, Instant when, Duration most) {
    Instant look = when.truncatedTo(ChronoUnit.SECONDS);
    Duration blind = blind(look, most);
    Map<String, Seen> seen = new HashMap<>();
    for (CriImage image : now) {
      seen.put(image.id(), seen(image, look, blind, inUse.test(image)));
    }
    return new NodeMemory(seen, look);
  }

  /** What does not count of the time since the last look. */
  private Duration blind(Instant look, Duration most) {
    Duration gap = time == null ? Duration.ZERO : Duration.between(time, look).minus(most);
    return gap.isNegative() ? Duration.ZERO : gap;
  }

  private Seen seen(CriImage image, Instant look, Duration blind, boolean used) {
    String names = hash(image);
    Seen before = images.get(image.id());
    if (before == null || !before.names().equals(names)) {
      return new Seen(look, used ? null : look, names);
    }
    Instant unused = before.unusedSince() == null ? look : later(before.unusedSince(), blind, look);
    return new Seen(later(before.firstSeen(), blind, look), used ? null : unused, names);
  }

  private static Instant later(Instant time, Duration blind, Instant look) {
    return earlier(earlier(time, look).plus(blind), look);
  }

  private static Instant earlier(Instant one, Instant other) {
    return one.isBefore(other) ? one : other;
  }

  /** The same for the same names, in whatever order. */
  static String hash(CriImage image) {
    String names = image.names().sorted().collect(Collectors.joining("\n"));
    return Digest.ofBytes(names.getBytes(StandardCharsets.UTF_8)).hex().substring(0, HASH);
  }
}
