package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.CustomResource;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A resource of Kiln. Reading one from JSON never fails for what its spec holds: a spec that cannot
 * be read is null, {@link #unreadable} says why, and it is written as it was read.
 *
 * @param <S> its spec
 * @param <T> its status
 */
public abstract class KilnResource<S, T> extends CustomResource<S, T> {
  private transient @Nullable Unreadable unreadable;

  /** Why the spec could not be read, with the field's name; empty if it could. */
  @JsonIgnore
  public final Optional<String> unreadable() {
    return Optional.ofNullable(unreadable).map(Unreadable::why);
  }

  /** Keeps a spec that cannot be read. */
  final void keep(Unreadable spec) {
    this.unreadable = spec;
  }

  @Override
  public final void setSpec(S spec) {
    super.setSpec(spec);
    unreadable = null;
  }

  @JsonAnyGetter
  final Map<String, JsonNode> asRead() {
    return unreadable == null ? Map.of() : Map.of("spec", unreadable.spec());
  }

  /**
   * A spec that cannot be read.
   *
   * @param spec as it was read, and is written again
   * @param why with the field's name
   */
  record Unreadable(JsonNode spec, String why) {}
}
