package build.kiln.runtime.cri;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An image of a node.
 *
 * @param id the digest of its configuration; removing by it removes all of its names
 * @param tags names with tags
 * @param digests names with digests, which an image has that was pulled
 * @param size in bytes, with layers that it shares with others
 * @param pinned whether the runtime says that it must stay
 */
public record CriImage(
    String id, List<String> tags, List<String> digests, long size, boolean pinned) {
  public CriImage {
    tags = List.copyOf(tags);
    digests = List.copyOf(digests);
  }

  /** All names. */
  public Stream<String> names() {
    return Stream.concat(tags.stream(), digests.stream());
  }

  /**
   * Whether each of its names came from a registry: its repository has a digest. What was loaded
   * has none, even if the same image was pulled by another name.
   */
  public boolean isPulled() {
    Set<String> pulled =
        digests.stream()
            .map(digest -> digest.substring(0, Math.max(0, digest.indexOf('@'))))
            .collect(Collectors.toSet());
    return !digests.isEmpty() && tags.stream().map(CriImage::repository).allMatch(pulled::contains);
  }

  private static String repository(String tag) {
    int colon = tag.lastIndexOf(':');
    return colon > tag.lastIndexOf('/') ? tag.substring(0, colon) : tag;
  }
}
