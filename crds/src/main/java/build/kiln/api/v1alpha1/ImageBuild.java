package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A container image that is built from a source and pushed to a registry. Reading one from JSON
 * never fails for what its spec holds: a spec that cannot be read is null, {@link #unreadable} says
 * why, and it is written as it was read.
 */
@Group(ImageBuild.GROUP)
@Version(ImageBuild.VERSION)
@ShortNames("kbuild")
@JsonDeserialize(using = ImageBuildReader.class)
public class ImageBuild extends CustomResource<ImageBuildSpec, ImageBuildStatus>
    implements Namespaced, Unreadable.Holder {
  public static final String GROUP = "kiln.build";
  public static final String VERSION = "v1alpha1";

  /** Any new value of this annotation starts a run; the one handled last is in the status. */
  public static final String REBUILD_ANNOTATION = "kiln.build/rebuild";

  private transient @Nullable Unreadable unreadable;

  /** Why the spec could not be read, with the field's name; empty if it could. */
  @JsonIgnore
  public Optional<String> unreadable() {
    return Unreadable.reason(unreadable);
  }

  @Override
  public void keep(Unreadable spec) {
    this.unreadable = spec;
  }

  @Override
  public void setSpec(ImageBuildSpec spec) {
    super.setSpec(spec);
    unreadable = null;
  }

  @JsonAnyGetter
  Map<String, JsonNode> asRead() {
    return Unreadable.asRead(unreadable);
  }
}
