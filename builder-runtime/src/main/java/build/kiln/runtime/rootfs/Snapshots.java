package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.store.LayerFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Root file systems for the steps of one build. Thread-safe: independent stages prepare side by
 * side, and a layer is unpacked once.
 */
public interface Snapshots extends AutoCloseable {
  /**
   * Roots of overlays: each layer is unpacked once, in a directory of its own, which stays in the
   * store for later builds; the sandbox mounts. Mounts need {@code redirect_dir=off,metacopy=off}
   * unless {@code userXattr}, which implies it.
   *
   * @param directory for the snapshots alone, on a file system that overlay accepts as upper; made
   *     if it is missing. Its path is a part of every lower's: short, if there are many layers
   * @param userXattr whether the overlay is mounted with {@code userxattr}, as user namespaces need
   * @throws RootfsException NOT_EMPTY if there is something in the directory
   */
  static Snapshots overlay(LayerFiles files, Path directory, boolean userXattr) throws IOException {
    return OverlaySnapshots.open(files, directory, userXattr);
  }

  /**
   * Roots that are directories with all files, for where nothing can be mounted. A root moves on to
   * the next step when it is committed.
   *
   * @param directory for the snapshots alone; made if it is missing
   * @throws RootfsException NOT_EMPTY if there is something in the directory
   */
  static Snapshots directories(LayerFiles files, Path directory) throws IOException {
    return DirectorySnapshots.open(files, directory);
  }

  /** A writable root that holds exactly these layers, base first. */
  default Snapshot prepare(List<Layer> layers) throws IOException {
    return prepare(layers, List.of());
  }

  /**
   * A writable root that holds exactly these layers, base first, and what a step's mounts need.
   *
   * @param points what is at them, and below, is no change of the step; outer ones come before
   *     those inside them
   */
  Snapshot prepare(List<Layer> layers, List<MountPoint> points) throws IOException;

  /**
   * Unpacks these layers, base first, so that a prepare with them has little left to do, and their
   * indexes are known.
   */
  void load(List<Layer> layers) throws IOException;

  /** Those of these layers whose blobs a load or a prepare with them reads. */
  List<Layer> missing(List<Layer> layers) throws IOException;

  /** Removes what was unpacked and is not kept. */
  @Override
  void close() throws IOException;

  /** One step's root. */
  interface Snapshot extends AutoCloseable {
    RootSpec root();

    /**
     * How many devices of the layers are missing since the kernel lets nobody make them here, as in
     * a user namespace.
     */
    int skippedDevices();

    /**
     * Takes the mount points away, and what was placed at them, once the step has ended however it
     * did. To be called before {@link #changes}; further calls do nothing.
     */
    void stepEnded() throws IOException;

    /**
     * What has changed since {@link Snapshots#prepare}: to be read after the step ended, any number
     * of times, with equal results. What the sandbox itself put there ({@link StepPaths}) is no
     * change.
     */
    LayerSource changes();

    /** The changes are this layer now: a later prepare with it on top need not unpack it. */
    void commit(Layer layer) throws IOException;

    /** As {@link #commit}, of a layer that is not quite the changes: its times are others. */
    void commitAltered(Layer layer) throws IOException;

    /** Gives up what was not committed. */
    @Override
    void close() throws IOException;
  }
}
