package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.NamedContext;
import build.kiln.api.v1alpha1.ImageBuildSpec.Source;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Where the files of a build come from. */
final class Sources {
  private Sources() {}

  /** The build context's, then those of named contexts that are files. */
  static List<Source> of(ImageBuildSpec spec) {
    return Stream.concat(
            Stream.ofNullable(spec.source()),
            Stream.ofNullable(spec.contexts())
                .flatMap(List::stream)
                .map(NamedContext::source)
                .filter(Objects::nonNull))
        .toList();
  }
}
