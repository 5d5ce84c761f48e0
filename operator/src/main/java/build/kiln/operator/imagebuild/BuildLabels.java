package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.Labels;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.Optional;

/** What marks the Jobs, pods and ConfigMaps of builds. */
public final class BuildLabels {
  /** The value of {@link Labels#COMPONENT}. */
  public static final String BUILD = "kiln-build";

  static final String TIER = "kiln.build/isolation";

  /** An annotation: the name of the ImageBuild. */
  static final String NAME = "kiln.build/imagebuild";

  private BuildLabels() {}

  /** The isolation tier that a Job or a pod was made for. */
  static Optional<Isolation> tier(HasMetadata resource) {
    var text = Labels.label(resource, TIER);
    for (var tier : Isolation.values()) {
      if (tier.name().equals(text)) {
        return Optional.of(tier);
      }
    }
    return Optional.empty();
  }
}
