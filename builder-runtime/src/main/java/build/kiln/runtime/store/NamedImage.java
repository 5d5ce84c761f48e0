package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An image and what an archive or a layout calls it.
 *
 * @param root a manifest or an index in the store
 * @param names may be none
 */
public record NamedImage(Descriptor root, List<Name> names) {
  private static final String REF_NAME = "org.opencontainers.image.ref.name";
  private static final String IMAGE_NAME = "io.containerd.image.name";

  /**
   * One name.
   *
   * @param tag as {@code org.opencontainers.image.ref.name} has it
   * @param image whole, as containerd and BuildKit write it; null if only the tag is known
   */
  public record Name(String tag, @Nullable Reference image) {}

  public NamedImage {
    names = List.copyOf(names);
  }

  /** By the names of images. */
  public static NamedImage of(Descriptor root, List<Reference> names) {
    return new NamedImage(
        root,
        names.stream()
            .map(NamedImage::tagged)
            .map(name -> new Name(name.identifier(), name))
            .toList());
  }

  /** By a tag alone, or by none. */
  public static NamedImage tagged(Descriptor root, @Nullable String tag) {
    return new NamedImage(root, tag == null ? List.of() : List.of(new Name(tag, null)));
  }

  /** Those that are whole. */
  List<Reference> references() {
    return names.stream().flatMap(name -> Stream.ofNullable(name.image())).toList();
  }

  /** The name with its tag alone, since a layout's names are tags. */
  static Reference tagged(Reference name) {
    String tag = name.tag();
    return name.withTag(tag == null ? "latest" : tag);
  }

  /** One entry of a layout's index for each name; one without if there is none. */
  List<Descriptor> entries() {
    var entries = new ArrayList<Descriptor>();
    for (Name name : names) {
      Map<String, String> annotations = new TreeMap<>();
      if (root.annotations() != null) {
        annotations.putAll(root.annotations());
      }
      if (name.image() != null) {
        annotations.put(IMAGE_NAME, name.image().toString());
      }
      annotations.put(REF_NAME, name.tag());
      entries.add(annotated(annotations));
    }
    return entries.isEmpty() ? List.of(root) : entries;
  }

  private Descriptor annotated(Map<String, String> annotations) {
    return new Descriptor(
        root.mediaType(),
        root.digest(),
        root.size(),
        root.urls(),
        annotations,
        root.data(),
        root.platform(),
        root.artifactType());
  }
}
