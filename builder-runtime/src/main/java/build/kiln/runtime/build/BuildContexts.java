package build.kiln.runtime.build;

import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.dockerfile.NamedContexts;
import java.util.Map;

/**
 * Named contexts of a build, which FROM, {@code COPY --from} and {@code RUN --mount=from} may name.
 *
 * @param files folders and the like by name, in lower case
 * @param images by name, in lower case: the image that is meant
 */
public record BuildContexts(Map<String, BuildContext> files, Map<String, String> images) {
  private static final BuildContexts NONE = new BuildContexts(Map.of(), Map.of());

  public BuildContexts {
    files = Map.copyOf(files);
    images = Map.copyOf(images);
  }

  public static BuildContexts none() {
    return NONE;
  }

  NamedContexts names() {
    return new NamedContexts(files.keySet(), images);
  }
}
