package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.rootfs.TreeIndex.ChangeTime;
import build.kiln.runtime.store.LayerFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots that are directories with all files. A step's root becomes the next step's when it was
 * committed; so a stage unpacks its base once. What a step changed is found by comparing two {@link
 * TreeIndex}es.
 */
final class DirectorySnapshots implements Snapshots {
  /** More roots that nobody uses cost more disk than they are likely to save work. */
  private static final int MAX_FREE = 2;

  private static final long TICK_NANOS = 500_000;

  private final LayerFiles files;
  private final Workspace workspace;

  /** Roots of committed snapshots, the oldest first; guarded by itself. */
  private final Deque<Root> free = new ArrayDeque<>();

  /**
   * A directory and what it holds.
   *
   * @param skippedDevices how many devices of the layers are missing
   */
  private record Root(String name, List<Layer> layers, TreeIndex index, int skippedDevices) {
    Root {
      layers = List.copyOf(layers);
    }

    boolean isPrefixOf(List<Layer> wanted) {
      return layers.size() <= wanted.size()
          && layers.stream()
              .map(Layer::diffId)
              .toList()
              .equals(wanted.stream().limit(layers.size()).map(Layer::diffId).toList());
    }
  }

  private DirectorySnapshots(LayerFiles files, Workspace workspace) {
    this.files = files;
    this.workspace = workspace;
  }

  static DirectorySnapshots open(LayerFiles files, Path directory) throws IOException {
    return new DirectorySnapshots(files, Workspace.open(directory));
  }

  @Override
  public void load(List<Layer> layers) throws IOException {
    release(make(layers, List.of()).root);
  }

  @Override
  public Snapshot prepare(List<Layer> layers, List<MountPoint> points) throws IOException {
    return make(layers, points);
  }

  private DirectorySnapshot make(List<Layer> layers, List<MountPoint> points) throws IOException {
    Optional<Root> start = take(layers);
    String name = start.map(Root::name).orElseGet(workspace::newName);
    var mounts = new PlacedMounts(workspace.handle(), name, workspace.newName());
    try {
      Root root =
          Failures.explained(
              "prepare the root of a step in " + workspace.path(name),
              () -> complete(start, name, layers, points.isEmpty() ? null : mounts, points));
      return new DirectorySnapshot(root, points.isEmpty() ? null : mounts);
    } catch (IOException | RuntimeException | Error e) {
      // It holds neither what it held before nor what it should.
      try {
        mounts.remove();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      try {
        workspace.remove(name);
      } catch (PosixException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /** The free root that holds the most of these layers and nothing else. */
  private Optional<Root> take(List<Layer> layers) {
    synchronized (free) {
      Optional<Root> best =
          free.stream()
              .filter(root -> root.isPrefixOf(layers))
              .max(Comparator.comparingInt(root -> root.layers().size()));
      best.ifPresent(free::remove);
      return best;
    }
  }

  private Root complete(
      Optional<Root> start,
      String name,
      List<Layer> layers,
      @Nullable PlacedMounts mounts,
      List<MountPoint> points)
      throws IOException {
    int present = start.map(root -> root.layers().size()).orElse(0);
    int skipped = start.map(Root::skippedDevices).orElse(0);
    TreeIndex index = start.map(Root::index).orElse(null);
    try (DirectoryHandle directory =
        start.isEmpty() ? makeRoot(name) : workspace.handle().openDirectory(name)) {
      for (Layer layer : layers.subList(present, layers.size())) {
        skipped +=
            LayerUnpacker.unpack(files, layer, directory, new Form.Merged())
                .facts()
                .skippedDevices();
      }
      boolean changed = index == null || present < layers.size();
      if (changed) {
        MountPoints.make(directory);
      }
      if (mounts != null) {
        mounts.place(points);
        index = TreeIndex.scan(directory, mounts.hidden());
      } else if (changed || index == null) {
        index = TreeIndex.scan(directory);
      }
    }
    waitUntilAfter(index.latestChange());
    return new Root(name, layers, index, skipped);
  }

  private DirectoryHandle makeRoot(String name) throws IOException {
    DirectoryHandle root = workspace.makeDirectory(name);
    root.setTimes(0, 0);
    return root;
  }

  /**
   * File systems take change times from a clock that ticks every few milliseconds. A change within
   * the tick of the index could leave the same time, so the step starts in a later one.
   */
  private void waitUntilAfter(ChangeTime latest) throws IOException {
    String probe = workspace.newName() + "~";
    while (true) {
      workspace.handle().createFile(probe, 0600).close();
      ChangeTime now = ChangeTime.of(workspace.handle().status(probe));
      workspace.handle().unlink(probe);
      if (now.compareTo(latest) > 0) {
        return;
      }
      LockSupport.parkNanos(TICK_NANOS);
    }
  }

  /** All, since another stage may take the root that has some of them. */
  @Override
  public List<Layer> missing(List<Layer> layers) {
    return layers;
  }

  private void release(Root root) throws IOException {
    Root eldest = null;
    synchronized (free) {
      free.addLast(root);
      if (free.size() > MAX_FREE) {
        eldest = free.removeFirst();
      }
    }
    if (eldest != null) {
      workspace.remove(eldest.name());
    }
  }

  @Override
  public void close() throws IOException {
    workspace.close();
  }

  private final class DirectorySnapshot implements Snapshot {
    private final Root root;
    private final @Nullable PlacedMounts mounts;
    private @Nullable TreeIndex after;
    private boolean ended;

    DirectorySnapshot(Root root, @Nullable PlacedMounts mounts) {
      this.root = root;
      this.mounts = mounts;
    }

    @Override
    public RootSpec root() {
      return new RootSpec.Directory(workspace.path(root.name()));
    }

    @Override
    public int skippedDevices() {
      return root.skippedDevices();
    }

    /** What the step changed is seen before mounts are taken away, which changes more. */
    @Override
    public synchronized void stepEnded() throws IOException {
      if (mounts == null || after != null) {
        return;
      }
      Failures.explained(
          "take the mounts out of " + workspace.path(root.name()),
          () -> {
            try (DirectoryHandle directory = workspace.handle().openDirectory(root.name())) {
              after = TreeIndex.scan(directory, mounts.hidden()).withoutEmpty(mounts.made());
            } finally {
              mounts.remove();
            }
            return root;
          });
    }

    @Override
    public LayerSource changes() {
      checkOpen();
      return sink ->
          Failures.explained(
              "read the changes of a step in " + workspace.path(root.name()),
              () -> {
                try (DirectoryHandle directory = workspace.handle().openDirectory(root.name())) {
                  TreeChanges.write(directory, before(), scanned(directory), sink);
                }
                return sink;
              });
    }

    /** Directories made for mounts are the step's own if it left something in them. */
    private TreeIndex before() {
      return mounts == null ? root.index() : root.index().without(mounts.made());
    }

    /** The index after the step, made once. */
    private synchronized TreeIndex scanned(DirectoryHandle directory) throws IOException {
      TreeIndex known = after;
      if (known == null) {
        known = TreeIndex.scan(directory);
        after = known;
      }
      return known;
    }

    @Override
    public void commit(Layer layer) throws IOException {
      checkOpen();
      TreeIndex index;
      try (DirectoryHandle directory = workspace.handle().openDirectory(root.name())) {
        index = mounts == null ? scanned(directory) : TreeIndex.scan(directory);
      }
      ended = true;
      List<Layer> layers = new ArrayList<>(root.layers());
      layers.add(layer);
      release(new Root(root.name(), layers, index, root.skippedDevices()));
    }

    /** The next step sees the times that the step left, since a root is too dear to make again. */
    @Override
    public void commitAltered(Layer layer) throws IOException {
      commit(layer);
    }

    private void checkOpen() {
      if (ended) {
        throw new IllegalStateException("the snapshot was committed or closed");
      }
    }

    @Override
    public void close() throws IOException {
      if (!ended) {
        ended = true;
        try {
          stepEnded();
        } finally {
          workspace.remove(root.name());
        }
      }
    }
  }
}
