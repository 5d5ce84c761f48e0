package build.kiln.runtime.build;

import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.oci.Platform;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What to build.
 *
 * @param dockerfile the text, under the name that messages use
 * @param dockerfilePath where it is in the context, for {@code <Dockerfile>.dockerignore}; null if
 *     it is not in it
 * @param ignoreFile the {@code <Dockerfile>.dockerignore} of a Dockerfile that is not in the
 *     context; null if it has none
 * @param context not closed by the build
 * @param target the stage, by name or number; null for the last one
 * @param buildArgs values for ARG
 * @param proxies HTTP_PROXY and the like: seen by RUN, kept out of history and cache keys; build
 *     arguments of the same names win
 * @param platform to build for
 * @param cache whether results of earlier builds may be used
 * @param pull whether a base's name is always looked up in its registry, even if the local store
 *     has an image of the name
 * @param labels added to the image's configuration; they win over the Dockerfile's
 * @param annotations of the image's manifest
 * @param secrets what steps may mount
 * @param contexts named ones
 */
public record BuildRequest(
    SourceFile dockerfile,
    @Nullable String dockerfilePath,
    @Nullable SourceFile ignoreFile,
    BuildContext context,
    @Nullable String target,
    Map<String, String> buildArgs,
    Map<String, String> proxies,
    Platform platform,
    boolean cache,
    boolean pull,
    Compression compression,
    Map<String, String> labels,
    Map<String, String> annotations,
    BuildSecrets secrets,
    BuildContexts contexts) {
  /** The build argument that gives the image its time: seconds since 1970. */
  public static final String EPOCH_ARGUMENT = "SOURCE_DATE_EPOCH";

  public BuildRequest {
    buildArgs = Map.copyOf(buildArgs);
    proxies = Map.copyOf(proxies);
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** Without secrets, with a Dockerfile in the context or one without an ignore file of its own. */
  public BuildRequest(
      SourceFile dockerfile,
      @Nullable String dockerfilePath,
      BuildContext context,
      @Nullable String target,
      Map<String, String> buildArgs,
      Map<String, String> proxies,
      Platform platform,
      boolean cache,
      boolean pull,
      Compression compression,
      Map<String, String> labels,
      Map<String, String> annotations) {
    this(
        dockerfile,
        dockerfilePath,
        null,
        context,
        target,
        buildArgs,
        proxies,
        platform,
        cache,
        pull,
        compression,
        labels,
        annotations,
        BuildSecrets.none(),
        BuildContexts.none());
  }

  /** The same request, with every step done. */
  BuildRequest withoutCache() {
    return with(false, secrets);
  }

  /** The same request with these secrets. */
  public BuildRequest withSecrets(BuildSecrets given) {
    return with(cache, given);
  }

  private BuildRequest with(boolean otherCache, BuildSecrets otherSecrets) {
    return new BuildRequest(
        dockerfile,
        dockerfilePath,
        ignoreFile,
        context,
        target,
        buildArgs,
        proxies,
        platform,
        otherCache,
        pull,
        compression,
        labels,
        annotations,
        otherSecrets,
        contexts);
  }
}
