package build.kiln.runtime.build;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.store.LocalStore;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the first difference of two built images: in a layer, since manifest and configuration
 * follow from those, then in the configuration, then in the manifest.
 */
final class ImageComparison {
  private final LocalStore store;
  private final BuildResult first;
  private final BuildResult second;

  /**
   * @param store has all layers that are not the same in both
   */
  ImageComparison(LocalStore store, BuildResult first, BuildResult second) {
    this.store = store;
    this.first = first;
    this.second = second;
  }

  /** Whether they are one image, byte by byte. */
  static boolean same(BuildResult first, BuildResult second) {
    return first.descriptor().digest().equals(second.descriptor().digest());
  }

  /** What differs; empty if the images are the same. */
  Optional<ImageDifference> find() throws IOException {
    if (same(first, second)) {
      return Optional.empty();
    }
    Optional<ImageDifference> inLayers = inLayers();
    if (inLayers.isPresent()) {
      return inLayers;
    }
    return field(
            "the configuration",
            ImageConfig.JSON.write(first.config()),
            ImageConfig.JSON.write(second.config()))
        .or(
            () ->
                field(
                    "the manifest",
                    Manifest.JSON.write(first.manifest()),
                    Manifest.JSON.write(second.manifest())))
        .or(
            () ->
                Optional.of(
                    new ImageDifference(
                        "the manifest", "", List.of("it is written in another way"), false)));
  }

  private Optional<ImageDifference> inLayers() throws IOException {
    List<Layer> these = layers(first);
    List<Layer> those = layers(second);
    for (int i = 0; i < Math.min(these.size(), those.size()); i++) {
      Layer one = these.get(i);
      Layer other = those.get(i);
      if (!one.diffId().equals(other.diffId())) {
        return Optional.of(LayerComparison.compare(name(i), store.layers(), one, other));
      }
      if (!one.descriptor().digest().equals(other.descriptor().digest())) {
        return Optional.of(
            new ImageDifference(
                name(i),
                "",
                List.of(
                    "the content is the same, compressed to %s by the first build and to %s by the second"
                        .formatted(one.descriptor().digest(), other.descriptor().digest())),
                false));
      }
    }
    return these.size() == those.size()
        ? Optional.empty()
        : Optional.of(
            new ImageDifference(
                "the number of layers",
                "",
                List.of("first build %d, second build %d".formatted(these.size(), those.size())),
                false));
  }

  private static List<Layer> layers(BuildResult result) {
    var layers = new ArrayList<Layer>();
    List<Descriptor> blobs = result.layers();
    for (int i = 0; i < blobs.size(); i++) {
      layers.add(new Layer(blobs.get(i), result.config().rootfs().diffIds().get(i)));
    }
    return layers;
  }

  private String name(int layer) {
    String name = "layer %d of %d".formatted(layer + 1, first.layers().size());
    List<ImageConfig.History> history = first.config().history();
    List<String> made =
        (history == null ? List.<ImageConfig.History>of() : history)
            .stream()
                .filter(step -> !Boolean.TRUE.equals(step.emptyLayer()))
                .map(step -> step.createdBy() == null ? "" : step.createdBy())
                .toList();
    // A base without a history says nothing of its layers.
    boolean told = made.size() == first.layers().size() && !made.get(layer).isEmpty();
    return told ? name + ", made by " + StepProblems.oneLine(made.get(layer)) : name;
  }

  private static Optional<ImageDifference> field(String where, JsonNode one, JsonNode other) {
    List<ImageDifference> found = new ArrayList<>();
    compare(where, "", one, other, found);
    return found.stream()
        .filter(difference -> !difference.times())
        .findFirst()
        .or(() -> found.stream().findFirst());
  }

  private static void compare(
      String where,
      String path,
      @Nullable JsonNode one,
      @Nullable JsonNode other,
      List<ImageDifference> found) {
    if (one != null && other != null && one.isContainerNode() && other.isContainerNode()) {
      if (one.isObject()) {
        Set<String> names = new LinkedHashSet<>();
        one.fieldNames().forEachRemaining(names::add);
        other.fieldNames().forEachRemaining(names::add);
        names.forEach(n -> compare(where, path + "/" + n, one.get(n), other.get(n), found));
      } else {
        for (int i = 0; i < Math.max(one.size(), other.size()); i++) {
          compare(where, path + "/" + i, one.get(i), other.get(i), found);
        }
      }
    } else if (one == null || !one.equals(other)) {
      found.add(
          new ImageDifference(
              where,
              path,
              List.of(
                  "first build %s, second build %s"
                      .formatted(one == null ? "nothing" : one, other == null ? "nothing" : other)),
              path.endsWith("/created")));
    }
  }
}
