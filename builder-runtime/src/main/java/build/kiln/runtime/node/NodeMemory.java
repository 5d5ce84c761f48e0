package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.oci.Digest;
import java.nio.charset.StandardCharsets;
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
 */
public record NodeMemory(Map<String, Seen> images) {
  /** Of a node that nobody has looked at. */
  public static final NodeMemory NONE = new NodeMemory(Map.of());

  private static final int HASH = 16;

  /**
   * What is known of an image.
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
   * by whatever name, and so is new; times that are ahead of the clock count as now.
   *
   * @param inUse whether a container has the image
   */
  NodeMemory seeing(List<CriImage> now, Predicate<CriImage> inUse, Instant when) {
    Instant time = when.truncatedTo(ChronoUnit.SECONDS);
    Map<String, Seen> seen = new HashMap<>();
    for (CriImage image : now) {
      seen.put(image.id(), seen(image, time, inUse.test(image)));
    }
    return new NodeMemory(seen);
  }

  private Seen seen(CriImage image, Instant time, boolean used) {
    String names = hash(image);
    Seen before = images.get(image.id());
    if (before == null || !before.names().equals(names)) {
      return new Seen(time, used ? null : time, names);
    }
    Instant unused = before.unusedSince() == null ? time : earlier(before.unusedSince(), time);
    return new Seen(earlier(before.firstSeen(), time), used ? null : unused, names);
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
