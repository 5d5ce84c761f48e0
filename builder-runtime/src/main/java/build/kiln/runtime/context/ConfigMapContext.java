package build.kiln.runtime.context;

import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.FileTree;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * The keys of a ConfigMap as files ({@code spec.source.configMap}). The ConfigMap is a folder with
 * a file a key, as Kubernetes mounts it: each a symbolic link into {@code ..data}, which is another
 * link that is swapped when the ConfigMap changes. Keys are read once, at the start, from one state
 * of it.
 */
public final class ConfigMapContext implements BuildContext {
  /** What a ConfigMap may hold at most, so that a manifest that works at a desk does anywhere. */
  private static final int MAX_BYTES = 1024 * 1024;

  private static final int MODE = 0644;

  private final MemoryTree tree;
  private final long epoch;

  private ConfigMapContext(MemoryTree tree, long epoch) {
    this.tree = tree;
    this.epoch = epoch;
  }

  /**
   * The files, with {@link BuildContext#FIXED_TIME}. See {@link #open(ConfigMapSource, Path,
   * long)}.
   */
  public static ConfigMapContext open(ConfigMapSource source, Path configMapFolder)
      throws IOException {
    return open(source, configMapFolder, FIXED_TIME);
  }

  /**
   * Reads a ConfigMap.
   *
   * @param configMapFolder the folder of this ConfigMap, with a file a key
   * @param epoch seconds since the epoch, the time of every file
   * @throws ContextException NOT_FOUND if the folder or a key is missing; INVALID for paths that
   *     contradict each other or lead outside; TOO_LARGE over 1 MiB
   */
  public static ConfigMapContext open(ConfigMapSource source, Path configMapFolder, long epoch)
      throws IOException {
    Map<String, byte[]> keys = readKeys(source.name(), configMapFolder);
    var tree = new MemoryTree(epoch);
    String what = "ConfigMap \"" + source.name() + "\"";
    List<ConfigMapSource.Item> items = source.items();
    if (items == null) {
      for (Map.Entry<String, byte[]> key : keys.entrySet()) {
        tree.add(what, key.getKey(), MODE, key.getValue());
      }
      return new ConfigMapContext(tree, epoch);
    }
    for (ConfigMapSource.Item item : items) {
      byte[] content = keys.get(item.key());
      if (content == null) {
        throw new ContextException(
            Code.NOT_FOUND,
            "%s has no key \"%s\"; it has %s".formatted(what, item.key(), list(keys)));
      }
      tree.add(what, item.path(), item.mode(), content);
    }
    return new ConfigMapContext(tree, epoch);
  }

  private static String list(Map<String, byte[]> keys) {
    return keys.isEmpty() ? "none at all" : String.join(", ", keys.keySet());
  }

  private static Map<String, byte[]> readKeys(String name, Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new ContextException(
          Code.NOT_FOUND,
          "there is no ConfigMap \"%s\": %s is no folder; create the ConfigMap, or at a desk a folder with a file a key"
              .formatted(name, folder));
    }
    Path data = folder.resolve("..data");
    Path state = Files.isDirectory(data) ? data.toRealPath() : folder;
    var keys = new TreeMap<String, byte[]>();
    int left = MAX_BYTES;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(state)) {
      for (Path file : files) {
        String key = String.valueOf(file.getFileName());
        // No key begins so; kubelet's own names do.
        if (!key.startsWith("..")) {
          byte[] content = read(name, file, left);
          left -= content.length;
          keys.put(key, content);
        }
      }
    }
    return keys;
  }

  private static byte[] read(String name, Path file, int max) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new ContextException(
          Code.INVALID,
          "%s is not a file: a ConfigMap has keys only, no folders; use items to place keys in folders"
              .formatted(file));
    }
    try (var in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(max + 1);
      if (content.length > max) {
        throw new ContextException(
            Code.TOO_LARGE,
            "ConfigMap \"%s\" holds more than 1 MiB; use a Git repository".formatted(name));
      }
      return content;
    }
  }

  @Override
  public FileTree tree() {
    return tree;
  }

  @Override
  public OptionalLong epoch() {
    return OptionalLong.of(epoch);
  }

  @Override
  public void close() {}
}
