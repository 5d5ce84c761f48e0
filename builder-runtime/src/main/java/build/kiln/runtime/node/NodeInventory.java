package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What is on a node.
 *
 * @param runtime name and version of what runs containers, such as {@code containerd 2.1.4}
 * @param images each once, with all of its names
 * @param uses by containers
 * @param sandboxImages names or IDs of images that the runtime says it makes pods with
 */
public record NodeInventory(
    String runtime, List<CriImage> images, List<Use> uses, Set<String> sandboxImages) {
  public NodeInventory {
    images = once(images);
    uses = List.copyOf(uses);
    sandboxImages = Set.copyOf(sandboxImages);
  }

  /** Whether an image's digests tell that it was pulled: others make digests up for all names. */
  boolean tellsPulled() {
    return runtime.startsWith("containerd ");
  }

  /** One for each ID, with all of its names. */
  static List<CriImage> once(List<CriImage> images) {
    TreeMap<String, CriImage> byId = new TreeMap<>();
    images.forEach(image -> byId.merge(image.id(), image, NodeInventory::merged));
    return List.copyOf(byId.values());
  }

  private static CriImage merged(CriImage one, CriImage other) {
    return new CriImage(
        one.id(),
        all(one.tags(), other.tags()),
        all(one.digests(), other.digests()),
        Math.max(one.size(), other.size()),
        one.pinned() || other.pinned());
  }

  private static List<String> all(List<String> some, List<String> more) {
    return Stream.concat(some.stream(), more.stream()).distinct().sorted().toList();
  }

  /**
   * A use of an image.
   *
   * @param image an ID or a name
   * @param by for people
   */
  public record Use(String image, String by) {}
}
