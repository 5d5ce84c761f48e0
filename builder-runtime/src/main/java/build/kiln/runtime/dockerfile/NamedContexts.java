package build.kiln.runtime.dockerfile;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Names that a build gives a meaning, whatever stages and images are called so. They are compared
 * without case.
 *
 * @param files those of files
 * @param images those of images, with the image that is meant
 */
public record NamedContexts(Set<String> files, Map<String, String> images) {
  private static final NamedContexts NONE = new NamedContexts(Set.of(), Map.of());

  public NamedContexts {
    files = Set.copyOf(files);
    images = Map.copyOf(images);
  }

  public static NamedContexts none() {
    return NONE;
  }

  /** What a name means here; empty if it is not one of these. */
  Optional<StageSource> find(Word word) {
    String name = word.text().toLowerCase(Locale.ROOT);
    if (files.contains(name)) {
      return Optional.of(new StageSource.Files(new Word(name, word.range())));
    }
    return Optional.ofNullable(images.get(name))
        .map(image -> new StageSource.Named(new Word(image, word.range())));
  }

  /** The names, in their order. */
  public Set<String> names() {
    var names = new TreeSet<>(files);
    names.addAll(images.keySet());
    return names;
  }
}
