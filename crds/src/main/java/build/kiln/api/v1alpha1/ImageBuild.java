package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** A container image that is built from a source and pushed to a registry. */
@Group(ImageBuild.GROUP)
@Version(ImageBuild.VERSION)
@ShortNames("kbuild")
@JsonDeserialize(using = ImageBuildReader.class)
public class ImageBuild extends KilnResource<ImageBuildSpec, ImageBuildStatus>
    implements Namespaced {
  public static final String GROUP = "kiln.build";
  public static final String VERSION = "v1alpha1";

  /** Any new value of this annotation starts a run; the one handled last is in the status. */
  public static final String REBUILD_ANNOTATION = "kiln.build/rebuild";
}
