package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A spec that cannot be read.
 *
 * @param spec as it was read, and is written again
 * @param why with the field's name
 */
record Unreadable(JsonNode spec, String why) {
  /** A resource that may have one. */
  interface Holder {
    /** Keeps a spec that cannot be read. */
    void keep(Unreadable spec);
  }

  static Optional<String> reason(@Nullable Unreadable unreadable) {
    return Optional.ofNullable(unreadable).map(each -> each.why());
  }

  static Map<String, JsonNode> asRead(@Nullable Unreadable unreadable) {
    return unreadable == null ? Map.of() : Map.of("spec", unreadable.spec());
  }
}
