package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.check.CheckOptions;
import build.kiln.runtime.check.Checks;
import build.kiln.runtime.check.Finding;
import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.StageSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The build checks of one build. */
final class BuildChecks {
  private final BuildRequest request;
  private final Dockerfile dockerfile;
  private final Map<String, String> predefined;
  private final CheckOptions options;

  /**
   * @param predefined the platform arguments
   */
  BuildChecks(BuildRequest request, Dockerfile dockerfile, Map<String, String> predefined) {
    this.request = request;
    this.dockerfile = dockerfile;
    this.predefined = Map.copyOf(predefined);
    this.options = Checks.options(dockerfile, request.buildArgs());
  }

  /**
   * @param images bases by the names in the Dockerfile; one that is missing is not known
   */
  List<Finding> run(
      StageGraph graph,
      GlobalArguments globals,
      IgnoreFile ignored,
      Map<String, BaseImage> images) {
    var input =
        new Checks.Input(
            dockerfile,
            graph,
            globals,
            defaults(globals),
            request.buildArgs(),
            ignored,
            named -> environment(images, named));
    return Checks.run(input, options);
  }

  /** A default that cannot be expanded is the build's to tell, if it is needed. */
  private GlobalArguments defaults(GlobalArguments globals) {
    try {
      return GlobalArguments.resolve(dockerfile, predefined, Map.of());
    } catch (DockerfileException e) {
      return globals;
    }
  }

  private Optional<Map<String, String>> environment(
      Map<String, BaseImage> images, StageSource.Named named) {
    @Nullable BaseImage image = images.get(named.key());
    return Optional.ofNullable(image).map(found -> ConfigDraft.of(found.config()).env());
  }

  /**
   * Tells the findings.
   *
   * @throws BuildException DockerfileInvalid if they are to be errors
   */
  void warn(List<Finding> findings, BuildProgress progress) throws BuildException {
    if (options.error() && !findings.isEmpty()) {
      throw new BuildException(
          FailureReason.DockerfileInvalid,
          findings.stream()
              .map(finding -> finding.problem().render())
              .collect(
                  Collectors.joining("\n", "", "\nbuild checks are errors here (error=true)")));
    }
    findings.forEach(finding -> progress.warn(finding.problem().summary(), finding.problem()));
  }
}
