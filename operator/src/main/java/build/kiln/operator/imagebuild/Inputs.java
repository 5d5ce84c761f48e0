package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.operator.job.SpecHash;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The two hashes by which a run knows what it was made of. A field that is neither in {@link #POD}
 * nor in {@link #NEITHER} is a build input, so a new field of the API is one until someone says
 * otherwise.
 */
final class Inputs {
  private static final Set<String> POD =
      Set.of("podTemplate", "workspace", "timeout", "retries", "cache");
  private static final Set<String> NEITHER = Set.of("suspend", "history");
  private static final Set<String> NO_INPUTS =
      Stream.of(POD, NEITHER).flatMap(Set::stream).collect(Collectors.toUnmodifiableSet());

  /** Between the hash of a spec and that of values which are elsewhere. */
  private static final String AND = "-";

  private Inputs() {}

  /** The hash of what decides the image. */
  static String inputsHash(ImageBuildSpec spec) {
    return SpecHash.without(spec, NO_INPUTS);
  }

  /**
   * The same with the values of build arguments that are in ConfigMaps.
   *
   * @param arguments by name; empty if they are not known
   */
  static String inputsHash(ImageBuildSpec spec, Map<String, String> arguments) {
    var hash = inputsHash(spec);
    return arguments.isEmpty() ? hash : hash + AND + SpecHash.of(arguments);
  }

  /** Whether two hashes are of the same spec, whatever values from elsewhere went into them. */
  static boolean sameSpec(@Nullable String one, String other) {
    return one != null && specOf(one).equals(specOf(other));
  }

  /** Whether it tells of values from elsewhere. */
  static boolean hasArguments(String hash) {
    return hash.contains(AND);
  }

  private static String specOf(String hash) {
    int end = hash.indexOf(AND);
    return end < 0 ? hash : hash.substring(0, end);
  }

  /** The hash of what shapes the pod and its Job. */
  static String podHash(ImageBuildSpec spec) {
    return SpecHash.only(spec, POD);
  }

  /** What decides the image. */
  static ObjectNode inputs(ImageBuildSpec spec) {
    ObjectNode tree = SpecHash.withoutDefaults(spec);
    tree.remove(NO_INPUTS);
    return tree;
  }
}
