package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds images by whatever runtimes and people call them: IDs with and without their algorithm,
 * names that are short or whole, and digests, whichever repository they stand behind.
 */
final class ImageNames {
  private static final String ALGORITHM = "sha256:";

  private final Map<String, String> byName;

  private ImageNames(Map<String, String> byName) {
    this.byName = byName;
  }

  /** Names with who means each; of several the first by the alphabet is told. */
  static ImageNames of(Stream<NodeInventory.Use> uses) {
    Map<String, String> byName = new HashMap<>();
    uses.forEach(
        use -> spellings(use.image()).forEach(s -> byName.merge(s, use.by(), ImageNames::first)));
    return new ImageNames(byName);
  }

  /** Who means an image; empty if nobody does. */
  Optional<String> of(CriImage image) {
    return Stream.concat(Stream.of(image.id()), image.names())
        .flatMap(ImageNames::spellings)
        .flatMap(spelling -> Stream.ofNullable(byName.get(spelling)))
        .min(Comparator.naturalOrder());
  }

  private static String first(String one, String other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  /** All that a name may be called elsewhere. */
  private static Stream<String> spellings(String name) {
    Stream<String> written = Stream.of(name);
    if (name.matches("[0-9a-f]{64}")) {
      return Stream.concat(written, Stream.of(ALGORITHM + name));
    }
    int at = name.indexOf('@');
    Stream<String> digest = at < 0 ? Stream.empty() : Stream.of(name.substring(at + 1));
    return Stream.of(written, digest, whole(name)).flatMap(spellings -> spellings);
  }

  private static Stream<String> whole(String name) {
    if (name.startsWith(ALGORITHM)) {
      return Stream.empty();
    }
    try {
      return Stream.of(Reference.parse(name).withDefaultTag().toString());
    } catch (OciException e) {
      return Stream.empty(); // as it is written it may still be somebody's
    }
  }
}
