package build.kiln.runtime.rootfs;

import java.nio.file.Path;
import java.util.List;

/** What a step's root file system is made of; the sandbox mounts it where it has to be mounted. */
public sealed interface RootSpec {
  /**
   * An overlay. The directories are on one file system that overlay accepts as upper.
   *
   * @param lowers unpacked layers, the topmost first, an init layer with mount points last
   * @param upper takes the step's changes
   * @param work overlay's scratch directory
   * @param userXattr whether whiteouts and opaque marks are {@code user.overlay.*}, as in a user
   *     namespace
   */
  record Overlay(List<Path> lowers, Path upper, Path work, boolean userXattr) implements RootSpec {
    public Overlay {
      lowers = List.copyOf(lowers);
    }
  }

  /** A directory that holds all files. */
  record Directory(Path path) implements RootSpec {}
}
