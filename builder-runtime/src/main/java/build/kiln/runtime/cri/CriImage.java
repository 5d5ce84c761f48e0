package build.kiln.runtime.cri;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
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
  /** Of the host {@code localhost} without a port; or as containerd calls what has no name. */
  private static final Pattern LOCAL =
      Pattern.compile("localhost/.*|(docker\\.io/library/)?import-[0-9]{4}-[0-9]{2}-[0-9]{2}");

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
   * has none, even if the same image was pulled by another name. Of use only where the runtime
   * makes no digests up.
   */
  public boolean isPulled() {
    Set<String> pulled = digests.stream().map(CriImage::repository).collect(Collectors.toSet());
    return !digests.isEmpty() && tags.stream().map(CriImage::repository).allMatch(pulled::contains);
  }

  /** Names that no registry has: of builds on the node, and those that imports make up. */
  public Stream<String> localNames() {
    return names().filter(name -> LOCAL.matcher(repository(name)).matches());
  }

  /** A name without its tag and digest. */
  public static String repository(String name) {
    int at = name.indexOf('@');
    String tagged = at < 0 ? name : name.substring(0, at);
    int colon = tagged.lastIndexOf(':');
    return colon > tagged.lastIndexOf('/') ? tagged.substring(0, colon) : tagged;
  }
}
