package build.kiln.runtime.cli;

import build.kiln.runtime.cache.StepCache.Mode;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One {@code --cache-from} or {@code --cache-to}: {@code type=registry,ref=HOST/REPO[:NAME]}.
 *
 * @param repository of the cache
 * @param name of what is built; null if it was not given
 * @param mode which steps are written
 */
record CacheSpec(Reference repository, @Nullable String name, Mode mode) {
  /** What BuildKit also knows and what is always so here. */
  private static final Set<String> ALWAYS_SO =
      Set.of("image-manifest", "oci-mediatypes", "ignore-error");

  /**
   * Reads one.
   *
   * @param option its name, for messages
   * @throws CommandFailure if it is none, or one that is not supported
   */
  static CacheSpec parse(String option, String text) throws CommandFailure {
    if (!text.contains("=")) {
      return of(option, text, text, Mode.min);
    }
    Map<String, String> fields = new LinkedHashMap<>();
    for (String part : text.split(",")) {
      int equals = part.indexOf('=');
      if (equals <= 0) {
        throw usage(option, text, "want type=registry,ref=HOST/REPOSITORY[:NAME][,mode=min|max]");
      }
      fields.put(part.substring(0, equals), part.substring(equals + 1));
    }
    String type = fields.remove("type");
    if (!"registry".equals(type)) {
      throw usage(
          option,
          text,
          type == null
              ? "type is missing; want type=registry"
              : "type=%s is not supported; use registry (the local store is always used)"
                  .formatted(type));
    }
    String ref = fields.remove("ref");
    if (ref == null || ref.isEmpty()) {
      throw usage(option, text, "ref is missing: the repository of the cache");
    }
    Mode mode = mode(option, text, fields.remove("mode"));
    fields.keySet().removeAll(ALWAYS_SO);
    if (!fields.isEmpty()) {
      throw usage(
          option,
          text,
          "unknown key %s; it has type, ref and mode".formatted(fields.keySet().iterator().next()));
    }
    return of(option, text, ref, mode);
  }

  private static Mode mode(String option, String text, @Nullable String mode)
      throws CommandFailure {
    if (mode == null) {
      return Mode.min;
    }
    return Arrays.stream(Mode.values())
        .filter(m -> m.name().equals(mode))
        .findFirst()
        .orElseThrow(() -> usage(option, text, "mode=%s: want min or max".formatted(mode)));
  }

  private static CacheSpec of(String option, String text, String ref, Mode mode)
      throws CommandFailure {
    try {
      Reference reference = Reference.parse(ref);
      if (reference.digest() != null) {
        throw usage(option, text, "a cache has no digest");
      }
      return new CacheSpec(reference, reference.tag(), mode);
    } catch (OciException e) {
      throw usage(option, text, String.valueOf(e.getMessage()));
    }
  }

  private static CommandFailure usage(String option, String text, String message) {
    return CommandFailure.usage("%s \"%s\": %s".formatted(option, text, message));
  }
}
