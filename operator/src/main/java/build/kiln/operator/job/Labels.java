package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What marks the Jobs, pods and ConfigMaps of runs, of whatever kind. */
public final class Labels {
  /** What the run is of; each kind of resource has a value of its own. */
  public static final String COMPONENT = "app.kubernetes.io/component";

  public static final String MANAGED_BY = "app.kubernetes.io/managed-by";
  public static final String KILN = "kiln";

  /** The uid of the resource, since its name may be longer than a label's value. */
  public static final String UID = "kiln.build/uid";

  public static final String RUN = "kiln.build/run";
  public static final String ATTEMPT = "kiln.build/attempt";

  /** The UID of the node that a Job is for, if it is for one. */
  public static final String NODE = "kiln.build/node";

  private Labels() {}

  /** Selects the Jobs and pods of a component's runs. */
  public static String selector(String component) {
    return COMPONENT + "=" + component + "," + MANAGED_BY + "=" + KILN;
  }

  public static @Nullable String label(HasMetadata resource, String key) {
    return requireNonNullElse(resource.getMetadata().getLabels(), Map.<String, String>of())
        .get(key);
  }

  public static @Nullable String annotation(HasMetadata resource, String key) {
    return requireNonNullElse(resource.getMetadata().getAnnotations(), Map.<String, String>of())
        .get(key);
  }

  /** The number in a label; 0 if it has none. */
  public static long number(HasMetadata resource, String key) {
    var text = label(resource, key);
    return text != null && text.matches("[0-9]{1,18}") ? Long.parseLong(text) : 0;
  }
}
