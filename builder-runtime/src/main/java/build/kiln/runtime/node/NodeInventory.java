package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import java.util.List;
import java.util.Set;

/**
 * What is on a node.
 *
 * @param images each once
 * @param uses by containers
 * @param sandboxImages names or IDs of images that the runtime says it makes pods with
 */
public record NodeInventory(List<CriImage> images, List<Use> uses, Set<String> sandboxImages) {
  public NodeInventory {
    images = List.copyOf(images);
    uses = List.copyOf(uses);
    sandboxImages = Set.copyOf(sandboxImages);
  }

  /**
   * A use of an image.
   *
   * @param image an ID or a name
   * @param by for people
   */
  public record Use(String image, String by) {}
}
