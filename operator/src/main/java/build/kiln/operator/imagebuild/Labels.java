package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.Isolation;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What marks the Jobs, pods and ConfigMaps of builds. */
public final class Labels {
  public static final String COMPONENT = "app.kubernetes.io/component";
  public static final String BUILD = "kiln-build";
  static final String MANAGED_BY = "app.kubernetes.io/managed-by";
  static final String KILN = "kiln";

  /** The uid of the ImageBuild, since its name may be longer than a label's value. */
  static final String UID = "kiln.build/uid";

  static final String RUN = "kiln.build/run";
  static final String ATTEMPT = "kiln.build/attempt";
  static final String TIER = "kiln.build/isolation";

  /** An annotation: the name of the ImageBuild. */
  static final String NAME = "kiln.build/imagebuild";

  /** Selects the Jobs and pods of every build. */
  public static final String SELECTOR = COMPONENT + "=" + BUILD + "," + MANAGED_BY + "=" + KILN;

  private Labels() {}

  static @Nullable String label(HasMetadata resource, String key) {
    return requireNonNullElse(resource.getMetadata().getLabels(), Map.<String, String>of())
        .get(key);
  }

  static @Nullable String annotation(HasMetadata resource, String key) {
    return requireNonNullElse(resource.getMetadata().getAnnotations(), Map.<String, String>of())
        .get(key);
  }

  /** The number in a label; 0 if it has none. */
  static long number(HasMetadata resource, String key) {
    var text = label(resource, key);
    return text != null && text.matches("[0-9]{1,18}") ? Long.parseLong(text) : 0;
  }

  static Optional<Isolation> tier(HasMetadata resource) {
    var text = label(resource, TIER);
    for (var tier : Isolation.values()) {
      if (tier.name().equals(text)) {
        return Optional.of(tier);
      }
    }
    return Optional.empty();
  }
}
