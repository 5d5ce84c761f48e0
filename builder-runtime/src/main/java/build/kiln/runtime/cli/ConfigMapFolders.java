package build.kiln.runtime.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Map;
import java.util.stream.Stream;

/** ConfigMaps of a manifest's file as folders, as a pod has them. */
record ConfigMapFolders(Path folder, boolean temporary) implements AutoCloseable {

  /**
   * Writes them.
   *
   * @param otherwise used as it is if there are none
   * @param parent where a temporary folder is made
   */
  static ConfigMapFolders write(Map<String, Map<String, byte[]>> maps, Path otherwise, Path parent)
      throws IOException {
    if (maps.isEmpty()) {
      return new ConfigMapFolders(otherwise, false);
    }
    Files.createDirectories(parent);
    Path folder = Files.createTempDirectory(parent, "configmaps");
    for (var map : maps.entrySet()) {
      Path own = Files.createDirectory(folder.resolve(map.getKey()));
      for (var entry : map.getValue().entrySet()) {
        Files.write(own.resolve(entry.getKey()), entry.getValue());
      }
    }
    return new ConfigMapFolders(folder, true);
  }

  @Override
  public void close() throws IOException {
    if (!temporary) {
      return;
    }
    Deque<Path> all = new ArrayDeque<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(all::add);
    }
    for (Path path : all) {
      Files.delete(path);
    }
  }
}
