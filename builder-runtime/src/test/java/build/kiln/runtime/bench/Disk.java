package build.kiln.runtime.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A mounted ext4 of its own. Its image is a sparse file: a copy of it is the same file system to
 * the last block, which no copy of its files would be.
 */
final class Disk implements AutoCloseable {
  /** Only what is written takes room. */
  private static final long BYTES = 48L << 30;

  private static final int UNMOUNT_TRIES = 50;
  private static final int UNMOUNT_PAUSE_MILLIS = 100;

  private final Path folder;

  private Disk(Path folder) {
    this.folder = folder;
  }

  /** Makes the image of an empty file system. */
  static void create(Path image) throws IOException, InterruptedException {
    try (var file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(BYTES);
    }
    // The inode tables are left for later, and mount() forbids the kernel to fill them while we
    // measure.
    Commands.run(
        List.of("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,nodiscard", image.toString()));
  }

  static void copy(Path from, Path to) throws IOException, InterruptedException {
    Commands.run(List.of("cp", "--sparse=auto", from.toString(), to.toString()));
  }

  static Disk mount(Path image, Path folder) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    Commands.run(
        List.of("mount", "-o", "loop,noinit_itable,noatime", image.toString(), folder.toString()));
    return new Disk(folder);
  }

  Path folder() {
    return folder;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    // A daemon's or a container's last process may be about to end.
    for (int i = 1; ; i++) {
      try {
        Commands.run(List.of("umount", "--recursive", folder.toString()));
        return;
      } catch (IOException e) {
        if (i == UNMOUNT_TRIES) {
          throw e;
        }
        Thread.sleep(UNMOUNT_PAUSE_MILLIS);
      }
    }
  }
}
