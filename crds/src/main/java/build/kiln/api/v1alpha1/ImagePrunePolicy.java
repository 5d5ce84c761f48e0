package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** What may be deleted from registries, and what never. It is the cluster's. */
@Group(ImageBuild.GROUP)
@Version(ImageBuild.VERSION)
@ShortNames("kprune")
@JsonDeserialize(using = ImagePrunePolicyReader.class)
public class ImagePrunePolicy extends KilnResource<ImagePrunePolicySpec, ImagePrunePolicyStatus> {
  /** Starts a run whenever its value is a new one. */
  public static final String PRUNE_ANNOTATION = "kiln.build/prune";

  /** Names the hash of a plan that may be carried out though it deletes more than the limits. */
  public static final String APPROVE_ANNOTATION = "kiln.build/approve";
}
