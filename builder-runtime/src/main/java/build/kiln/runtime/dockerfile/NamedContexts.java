package build.kiln.runtime.dockerfile;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Names that a build gives a meaning, whatever stages and images are called so. They are compared
 * without case, and as images are called: {@code alpine}, {@code docker.io/library/alpine} and
 * {@code alpine:latest} are one name. A number is a stage's, and {@code scratch} is nothing,
 * whatever a build says.
 *
 * @param files those of files, as {@link #familiar} has them
 * @param images those of images, the same, with the image that is meant
 */
public record NamedContexts(Set<String> files, Map<String, String> images) {
  private static final List<String> HUBS = List.of("docker.io/", "index.docker.io/");
  private static final String OFFICIAL = "library/";
  private static final String LATEST = ":latest";
  private static final NamedContexts NONE = new NamedContexts(Set.of(), Map.of());

  public NamedContexts {
    files = Set.copyOf(files);
    images = Map.copyOf(images);
  }

  /** The shortest of the names that mean the same. */
  public static String familiar(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    for (String hub : HUBS) {
      if (lower.startsWith(hub)) {
        lower = lower.substring(hub.length());
        break;
      }
    }
    if (lower.startsWith(OFFICIAL) && lower.indexOf('/', OFFICIAL.length()) < 0) {
      lower = lower.substring(OFFICIAL.length());
    }
    return lower.endsWith(LATEST) ? lower.substring(0, lower.length() - LATEST.length()) : lower;
  }

  public static NamedContexts none() {
    return NONE;
  }

  /**
   * What a name means here; empty if it is not one of these.
   *
   * @param platform that an image is wanted for; null for the one that is built
   */
  Optional<StageSource> find(Word word, @Nullable String platform) {
    String name = familiar(word.text());
    if (name.equals("scratch") || name.matches(StageGraph.NUMBER)) {
      return Optional.empty();
    }
    if (files.contains(name)) {
      return Optional.of(new StageSource.Files(new Word(name, word.range())));
    }
    return Optional.ofNullable(images.get(name))
        .map(image -> new StageSource.Named(new Word(image, word.range()), platform));
  }

  /** The names, in their order. */
  public Set<String> names() {
    var names = new TreeSet<>(files);
    names.addAll(images.keySet());
    return names;
  }
}
