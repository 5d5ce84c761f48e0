package build.kiln.runtime.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One {@code --output}: {@code type=oci,dest=image.tar} and the like.
 *
 * @param dest the file; null is the local store or a registry
 */
record OutputSpec(Type type, @Nullable Path dest) {
  /** What becomes of an image. */
  enum Type {
    /** An OCI image layout in a tar. */
    OCI,
    /** A tar that {@code docker load} takes. */
    DOCKER,
    /** Into the local store, under its tags. */
    IMAGE,
    /** Pushed to the registries of its tags. */
    REGISTRY
  }

  /** Where the result goes if {@code dest=-}. */
  boolean isStandardOutput() {
    return dest != null && dest.toString().equals("-");
  }

  /**
   * Reads one.
   *
   * @throws CommandFailure if it is none, or one that is not supported
   */
  static OutputSpec parse(String text) throws CommandFailure {
    Map<String, String> fields = new LinkedHashMap<>();
    for (String part : text.split(",")) {
      int equals = part.indexOf('=');
      if (equals <= 0) {
        throw CommandFailure.usage(
            "--output \"%s\": want type=oci|docker|image|registry[,dest=FILE]".formatted(text));
      }
      fields.put(part.substring(0, equals), part.substring(equals + 1));
    }
    String type = Optional.ofNullable(fields.remove("type")).orElse("");
    String dest = fields.remove("dest");
    if (!fields.isEmpty()) {
      throw CommandFailure.usage(
          "--output \"%s\": unknown key %s; it has type and dest"
              .formatted(text, fields.keySet().iterator().next()));
    }
    return switch (type) {
      case "oci" -> new OutputSpec(Type.OCI, file(text, dest));
      case "docker" -> new OutputSpec(Type.DOCKER, file(text, dest));
      case "image", "registry" -> {
        if (dest != null) {
          throw CommandFailure.usage(
              "--output \"%s\": type=%s has no dest; use -t for names".formatted(text, type));
        }
        yield new OutputSpec(type.equals("image") ? Type.IMAGE : Type.REGISTRY, null);
      }
      case "local", "tar" ->
          throw CommandFailure.usage(
              "--output \"%s\": type=%s is not supported yet; use oci or docker"
                  .formatted(text, type));
      default ->
          throw CommandFailure.usage(
              "--output \"%s\": unknown type \"%s\"; the types are %s"
                  .formatted(
                      text,
                      type,
                      String.join(", ", List.of("oci", "docker", "image", "registry"))));
    };
  }

  private static Path file(String text, @Nullable String dest) throws CommandFailure {
    if (dest == null || dest.isEmpty()) {
      throw CommandFailure.usage(
          "--output \"%s\": dest is missing: a file, or - for standard output".formatted(text));
    }
    return Path.of(dest);
  }
}
