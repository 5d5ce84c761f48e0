package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import java.io.IOException;
import java.util.List;

/**
 * Root file systems for the steps of one build. Thread-safe: independent stages prepare side by
 * side, and a layer is unpacked once.
 */
public interface Snapshots extends AutoCloseable {
  static Snapshots overlay(build.kiln.runtime.store.LayerFiles f, java.nio.file.Path p, boolean b) { throw new UnsupportedOperationException(); }
  static Snapshots directories(build.kiln.runtime.store.LayerFiles f, java.nio.file.Path p) { throw new UnsupportedOperationException(); }
  /** A writable root that holds exactly these layers, base first. */
  Snapshot prepare(List<Layer> layers) throws IOException;

  /** Removes what was unpacked. */
  @Override
  void close() throws IOException;

  /** One step's root. */
  interface Snapshot extends AutoCloseable {
    RootSpec root();

    /**
     * What has changed since {@link Snapshots#prepare}: to be read after the step ended, any number
     * of times, with equal results. What the sandbox itself put there ({@link StepPaths}) is no
     * change.
     */
    LayerSource changes();

    /** The changes are this layer now: a later prepare with it on top need not unpack it. */
    void commit(Layer layer) throws IOException;

    /** Gives up what was not committed. */
    @Override
    void close() throws IOException;
  }
}
