package build.kiln.runtime.cri;

import java.util.List;

/**
 * A container of a node, whether it runs or not.
 *
 * @param images all that it says of its image: IDs, names, digests
 * @param name for people, such as {@code container app of pod shop/api-0}
 * @param state such as {@code running}
 */
public record CriContainer(String id, List<String> images, String name, String state) {
  public CriContainer {
    images = List.copyOf(images);
  }
}
