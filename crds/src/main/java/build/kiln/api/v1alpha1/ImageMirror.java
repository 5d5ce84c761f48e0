package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** A set of images that is kept where it is needed as it is at its source. */
@Group(ImageBuild.GROUP)
@Version(ImageBuild.VERSION)
@ShortNames("kmirror")
@JsonDeserialize(using = ImageMirrorReader.class)
public class ImageMirror extends KilnResource<ImageMirrorSpec, ImageMirrorStatus>
    implements Namespaced {
  /** Any new value of this annotation starts a run; the one handled last is in the status. */
  public static final String SYNC_ANNOTATION = "kiln.build/sync";
}
