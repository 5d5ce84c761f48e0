package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What may be deleted from registries, and what never. It is the cluster's. Reading one from JSON
 * never fails for what its spec holds: a spec that cannot be read is null, {@link #unreadable} says
 * why, and it is written as it was read.
 */
@Group(ImageBuild.GROUP)
@Version(ImageBuild.VERSION)
@ShortNames("kprune")
@JsonDeserialize(using = ImagePrunePolicyReader.class)
public class ImagePrunePolicy extends CustomResource<ImagePrunePolicySpec, ImagePrunePolicyStatus>
    implements Unreadable.Holder {
  /** Names the hash of a plan that may be carried out though it deletes more than the limits. */
  public static final String APPROVE_ANNOTATION = "kiln.build/approve";

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
  public void setSpec(ImagePrunePolicySpec spec) {
    super.setSpec(spec);
    unreadable = null;
  }

  @JsonAnyGetter
  Map<String, JsonNode> asRead() {
    return Unreadable.asRead(unreadable);
  }
}
