package build.kiln.runtime.mirror;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorSpec.Destination;
import build.kiln.api.v1alpha1.ImageMirrorSpec.Source;
import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Which repositories go where. */
final class Repositories {
  /** A repository and its copy. */
  record Pair(Reference from, Reference to) {}

  /** Lists a registry's repositories; asked only if there is a glob. */
  @FunctionalInterface
  interface Catalog {
    List<String> of(String registry) throws IOException;
  }

  private Repositories() {}

  /**
   * By name, each once.
   *
   * @throws build.kiln.runtime.oci.OciException if a name is none
   */
  static List<Pair> of(ImageMirrorSpec spec, Catalog catalog) throws IOException {
    Source source = spec.source();
    List<Pair> pairs = new ArrayList<>();
    if (source.repository() != null) {
      Reference from = Reference.parse(source.repository());
      pairs.add(new Pair(from, destination(spec.destination(), from)));
      return pairs;
    }
    String registry = String.valueOf(source.registry());
    for (String path : paths(registry, source.repositories(), catalog)) {
      Reference from = Reference.parse(registry + "/" + path);
      pairs.add(new Pair(from, destination(spec.destination(), from)));
    }
    return pairs;
  }

  private static TreeSet<String> paths(
      String registry, @Nullable List<String> wanted, Catalog catalog) throws IOException {
    TreeSet<String> paths = new TreeSet<>();
    List<String> globs = new ArrayList<>();
    for (String text : Objects.requireNonNullElse(wanted, List.<String>of())) {
      if (Globs.isGlob(text)) {
        globs.add(text);
      } else {
        paths.add(text);
      }
    }
    if (!globs.isEmpty()) {
      Predicate<String> chosen = Globs.anyOf(globs);
      catalog.of(registry).stream().filter(chosen).forEach(paths::add);
    }
    return paths;
  }

  private static Reference destination(Destination destination, Reference from) {
    return Reference.parse(
        destination.repository() != null
            ? destination.repository()
            : destination.prefix() + "/" + from.repository());
  }
}
