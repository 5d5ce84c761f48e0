package build.kiln.runtime.cri;

import java.util.List;
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
}
