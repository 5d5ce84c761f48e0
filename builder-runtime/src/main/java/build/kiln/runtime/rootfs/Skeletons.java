package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.store.LayerFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Directories that make an overlay show what its layers say.
 *
 * <p>Some tools write layers with {@code tmp/x} but without {@code tmp}. Its directory is made with
 * defaults when that layer is unpacked, and an overlay would show these, not the mode that {@code
 * tmp} has in a layer below. And an overlay lists whiteouts if no other layer has their directory.
 * Both depend on the layers below, but the unpacked layer must not, since other images may have it.
 * So a directory that holds such directories, as they should be, and nothing else goes on top of
 * the topmost layer of this kind. Thread-safe.
 */
final class Skeletons {
  private final LayerFiles files;
  private final Workspace workspace;
  private final OverlayMarks marks;
  private final Map<List<Layer>, Optional<Place>> known = new HashMap<>();

  Skeletons(LayerFiles files, Workspace workspace, OverlayMarks marks) {
    this.files = files;
    this.workspace = workspace;
    this.marks = marks;
  }

  /** The directory to put on top of these layers; empty if they need none. */
  synchronized Optional<Place> of(List<Layer> layers, List<UnpackedLayer> unpacked)
      throws IOException {
    List<Layer> key = List.copyOf(layers);
    Optional<Place> present = known.get(key);
    if (present != null) {
      return present;
    }
    Optional<Place> made = make(key, unpacked);
    known.put(key, made);
    return made;
  }

  private Optional<Place> make(List<Layer> layers, List<UnpackedLayer> unpacked)
      throws IOException {
    List<String> merged = unmerged(unpacked);
    if (merged.isEmpty()
        && unpacked.stream().allMatch(layer -> layer.facts().implied().isEmpty())) {
      return Optional.empty();
    }
    Map<String, EntryMeta> wanted = new TreeMap<>();
    ImageTree image = ImageTree.of(files, layers);
    for (UnpackedLayer layer : unpacked) {
      for (String path : layer.facts().implied()) {
        if (image.lookup(path).filter(m -> m.isDirectory() && !isDefault(m)).isPresent()) {
          addWithParents(image, path, wanted);
        }
      }
    }
    for (String path : merged) {
      if (image.lookup(path).filter(EntryMeta::isDirectory).isPresent()) {
        addWithParents(image, path, wanted);
      }
    }
    if (wanted.isEmpty()) {
      return Optional.empty();
    }
    String name = workspace.newName();
    Failures.explained(
        "make directories in " + workspace.path(name),
        () -> workspace.make(name, root -> fill(root, wanted)));
    return Optional.of(workspace.place(name));
  }

  /** Directories with whiteouts that no layer below has. */
  private List<String> unmerged(List<UnpackedLayer> unpacked) throws IOException {
    List<String> found = new ArrayList<>();
    List<Place> below = new ArrayList<>();
    for (UnpackedLayer layer : unpacked) {
      var lowers = new LowerDirectory(marks, below.reversed());
      for (String path : layer.facts().removing()) {
        if (!path.isEmpty() && lowers.directory(path).isEmpty()) {
          found.add(path);
        }
      }
      below.add(layer.place());
    }
    return found;
  }

  private static boolean isDefault(EntryMeta meta) {
    return Metadata.same(meta, ImageNode.impliedMeta(meta.path()));
  }

  private static void addWithParents(ImageTree image, String path, Map<String, EntryMeta> wanted) {
    for (String at = path; !at.isEmpty() && !wanted.containsKey(at); at = LayerPaths.parent(at)) {
      wanted.put(at, image.lookup(at).orElseThrow());
    }
  }

  private Map<String, EntryMeta> fill(DirectoryHandle root, Map<String, EntryMeta> wanted)
      throws IOException {
    // In the order of their paths, so that parents come first.
    for (String path : wanted.keySet()) {
      try (DirectoryHandle parent = DirectoryCache.open(root, LayerPaths.parent(path))) {
        parent.makeDirectory(LayerPaths.name(path), 0700);
      }
    }
    for (Map.Entry<String, EntryMeta> entry : wanted.entrySet()) {
      try (DirectoryHandle directory = DirectoryCache.open(root, entry.getKey())) {
        MetaWriter.apply(directory, entry.getValue(), new Form.Lower(marks));
      }
    }
    return wanted;
  }
}
