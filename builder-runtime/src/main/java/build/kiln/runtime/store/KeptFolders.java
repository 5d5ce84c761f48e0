package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.UniqueNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The folders of a store that layers stay unpacked in, one a form. Thread-safe. */
final class KeptFolders implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KeptFolders.class);

  private final LocalStore store;
  private final Map<String, Optional<KeptLayers>> open = new HashMap<>();

  KeptFolders(LocalStore store) {
    this.store = store;
  }

  /**
   * Layers in the form that this process needs.
   *
   * @param marks how removals are marked
   * @return empty where nothing can be kept: on file systems that several machines use, or that
   *     lack what an overlay's lower directory needs, and in another user's store
   */
  synchronized Optional<KeptLayers> of(String marks) {
    return open.computeIfAbsent(marks, this::open);
  }

  private Optional<KeptLayers> open(String marks) {
    try {
      Path staging = store.tempFolder("unpacked");
      Path folder = store.unpackedFolder().resolve(KeptForm.name(store.root(), marks));
      if (!Files.isDirectory(folder)) {
        if (!KeptForm.isPossible(UniqueNames.createDirectory(staging, "try-"), marks)) {
          return Optional.empty();
        }
        // Setuid programs of images are in it: nobody else of the machine is to get there.
        Files.createDirectories(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      var layers = new KeptLayers(store, folder, DirectoryHandle.open(folder), staging);
      if (!layers.isOwn()) {
        layers.close();
        return Optional.empty();
      }
      return Optional.of(layers);
    } catch (IOException impossible) {
      LOG.debug("layers do not stay unpacked in {}: {}", store.root(), impossible.toString());
      return Optional.empty();
    }
  }

  /**
   * What was kept before the machine was started goes with this process's scratch, now that no
   * build waits for it.
   */
  @Override
  public synchronized void close() {
    if (open.values().stream().anyMatch(Optional::isPresent)) {
      for (Path stale : KeptForm.ofEarlierStarts(store.unpackedFolder())) {
        try {
          Files.move(stale, store.tempFile(), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException anotherProcessWasFaster) {
          LOG.debug("{} stays: {}", stale, anotherProcessWasFaster.toString());
        }
      }
    }
    open.values().forEach(layers -> layers.ifPresent(KeptLayers::close));
    open.clear();
  }
}
