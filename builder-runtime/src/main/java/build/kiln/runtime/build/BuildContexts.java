package build.kiln.runtime.build;

import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.dockerfile.NamedContexts;
import build.kiln.runtime.store.OciLayout;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Named contexts of a build, which FROM, {@code COPY --from} and {@code RUN --mount=from} may name.
 *
 * @param files folders and the like by name; names are as {@link NamedContexts} has them
 * @param images by name: the image that is meant
 * @param layouts those of the images that lie in a folder, by the same text
 */
public record BuildContexts(
    Map<String, BuildContext> files, Map<String, String> images, Map<String, OciLayout> layouts) {
  private static final BuildContexts NONE = new BuildContexts(Map.of(), Map.of(), Map.of());

  public BuildContexts {
    files = byFamiliarName(files);
    images = byFamiliarName(images);
    layouts = Map.copyOf(layouts);
  }

  private static <T> Map<String, T> byFamiliarName(Map<String, T> map) {
    return map.entrySet().stream()
        .collect(
            Collectors.toUnmodifiableMap(
                entry -> NamedContexts.familiar(entry.getKey()), Map.Entry::getValue));
  }

  public static BuildContexts none() {
    return NONE;
  }

  NamedContexts names() {
    return new NamedContexts(files.keySet(), images);
  }
}
