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
 * A set of images that is kept where it is needed as it is at its source. Reading one from JSON
 * never fails for what its spec holds: a spec that cannot be read is null, {@link #unreadable} says
 * why, and it is written as it was read.
 */
@Group(ImageBuild.GROUP)
@Version(ImageBuild.VERSION)
@ShortNames("kmirror")
@JsonDeserialize(using = ImageMirrorReader.class)
public class ImageMirror extends CustomResource<ImageMirrorSpec, ImageMirrorStatus>
    implements Namespaced, Unreadable.Holder {
  /** Any new value of this annotation starts a run; the one handled last is in the status. */
  public static final String SYNC_ANNOTATION = "kiln.build/sync";

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
  public void setSpec(ImageMirrorSpec spec) {
    super.setSpec(spec);
    unreadable = null;
  }

  @JsonAnyGetter
  Map<String, JsonNode> asRead() {
    return Unreadable.asRead(unreadable);
  }
}
