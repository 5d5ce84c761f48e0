package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.RootSpec.Overlay;
import build.kiln.runtime.store.LayerFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots that are overlays.
 *
 * <pre>
 *   workspace/0       mount points, below all layers
 *   workspace/1 ...   a layer each, by the order of their unpacking, where layers cannot be kept
 *   workspace/7       directories as lower layers describe them, see {@link Skeletons}
 *   workspace/8/upper a step's changes; becomes a layer when it is committed
 *   workspace/8/work  overlay's own
 * </pre>
 *
 * Layers lie in the store, where the next build finds them ({@link
 * build.kiln.runtime.store.KeptLayers}). No step ever has one as its upper directory.
 */
final class OverlaySnapshots implements Snapshots {
  /** {@code OVL_MAX_STACK} of the kernel. */
  private static final int MAX_LOWERS = 500;

  private static final String UPPER = "upper";
  private static final String WORK = "work";

  private final Workspace workspace;
  private final boolean userXattr;
  private final OverlayMarks marks;
  private final UnpackedLayers layers;
  private final Skeletons skeletons;
  private final String init;

  private OverlaySnapshots(LayerFiles files, Workspace workspace, boolean userXattr, String init) {
    this.workspace = workspace;
    this.userXattr = userXattr;
    this.marks = OverlayMarks.of(userXattr);
    this.layers = new UnpackedLayers(files, workspace, marks);
    this.skeletons = new Skeletons(files, workspace, marks);
    this.init = init;
  }

  static OverlaySnapshots open(LayerFiles files, Path directory, boolean userXattr)
      throws IOException {
    Workspace workspace = Workspace.open(directory);
    try {
      String init = workspace.newName();
      Failures.explained(
          "prepare " + directory,
          () ->
              workspace.make(
                  init,
                  root -> {
                    MountPoints.make(root);
                    root.setTimes(0, 0);
                    return root;
                  }));
      return new OverlaySnapshots(files, workspace, userXattr, init);
    } catch (IOException | RuntimeException | Error e) {
      workspace.close();
      throw e;
    }
  }

  @Override
  public void load(List<Layer> wanted) throws IOException {
    layers.all(wanted);
  }

  @Override
  public Snapshot prepare(List<Layer> wanted, List<MountPoint> points) throws IOException {
    List<UnpackedLayer> unpacked = layers.all(wanted);
    List<Place> lowers = lowers(wanted, unpacked);
    Place describing =
        unpacked.reversed().stream()
            .filter(layer -> layer.facts().rootDescribed())
            .map(UnpackedLayer::place)
            .findFirst()
            .orElse(workspace.place(init));
    int skipped = unpacked.stream().mapToInt(layer -> layer.facts().skippedDevices()).sum();
    String name = workspace.newName();
    var shown = new LowerDirectory(marks, lowers);
    var mountPoints = new OverlayMountPoints(workspace.handle(), shown);
    EntryMeta root =
        Failures.explained(
            "prepare the root of a step in " + workspace.path(name),
            () ->
                workspace.make(
                    name,
                    directory ->
                        makeUpper(
                            directory,
                            describing,
                            upper -> {
                              MountPoints.cover(upper, shown);
                              mountPoints.make(upper, points);
                            })));
    return new OverlaySnapshot(name, lowers, root, mountPoints, skipped);
  }

  /** The topmost first. */
  private List<Place> lowers(List<Layer> wanted, List<UnpackedLayer> unpacked) throws IOException {
    int helped = 0;
    for (int i = 0; i < unpacked.size(); i++) {
      if (unpacked.get(i).facts().needHelp()) {
        helped = i + 1;
      }
    }
    List<Place> lowers = new ArrayList<>(List.of(workspace.place(init)));
    for (int i = 0; i < unpacked.size(); i++) {
      UnpackedLayer layer = unpacked.get(i);
      if (layer.facts().rootOpaque()) {
        lowers.subList(1, lowers.size()).clear();
      }
      // The kernel takes no directory twice; what the lower one shows, the upper one shows too.
      lowers.remove(layer.place());
      lowers.add(layer.place());
      if (i + 1 == helped) {
        skeletons.of(wanted.subList(0, helped), unpacked.subList(0, helped)).ifPresent(lowers::add);
      }
    }
    Collections.reverse(lowers);
    // Overlay refuses a directory that comes twice; what is below its equal shows nothing.
    List<Place> distinct = new ArrayList<>(new LinkedHashSet<>(lowers));
    if (distinct.size() > MAX_LOWERS) {
      // What it has comes into the upper then.
      distinct.remove(workspace.place(init));
    }
    if (distinct.size() > MAX_LOWERS) {
      throw new RootfsException(
          RootfsException.Code.TOO_MANY_LAYERS,
          "cannot run a step on %d layers: an overlay takes %d; put fewer instructions into a stage, or copy the files of one into another"
              .formatted(wanted.size(), MAX_LOWERS));
    }
    return List.copyOf(distinct);
  }

  /** The root directory's own metadata are the upper's in an overlay. */
  private EntryMeta makeUpper(DirectoryHandle directory, Place describing, UpperContent content)
      throws IOException {
    var reader = new EntryReader(marks::shown);
    directory.makeDirectory(UPPER, 0700);
    directory.makeDirectory(WORK, 0700);
    try (DirectoryHandle upper = directory.openDirectory(UPPER);
        DirectoryHandle lower = describing.open()) {
      content.make(upper);
      MetaWriter.apply(upper, reader.directory("", lower), new Form.Lower(marks));
      return reader.directory("", upper);
    }
  }

  /** Puts into an upper directory what a step needs there. */
  @FunctionalInterface
  private interface UpperContent {
    void make(DirectoryHandle upper) throws IOException;
  }

  @Override
  public List<Layer> missing(List<Layer> wanted) throws IOException {
    return layers.missing(wanted);
  }

  @Override
  public void close() throws IOException {
    try (workspace) {
      layers.close();
    }
  }

  private final class OverlaySnapshot implements Snapshot {
    private final String name;
    private final List<Place> lowers;
    private final EntryMeta rootBefore;
    private final OverlayMountPoints mountPoints;
    private final int skippedDevices;
    private volatile @Nullable UpperSurplus surplus;
    private boolean ended;

    OverlaySnapshot(
        String name,
        List<Place> lowers,
        EntryMeta rootBefore,
        OverlayMountPoints mountPoints,
        int skippedDevices) {
      this.name = name;
      this.lowers = lowers;
      this.rootBefore = rootBefore;
      this.mountPoints = mountPoints;
      this.skippedDevices = skippedDevices;
    }

    @Override
    public RootSpec root() {
      Path own = workspace.path(name);
      return new Overlay(
          lowers.stream().map(Place::onDisk).toList(),
          own.resolve(UPPER),
          own.resolve(WORK),
          userXattr);
    }

    @Override
    public int skippedDevices() {
      return skippedDevices;
    }

    @Override
    public void stepEnded() throws IOException {
      Failures.explained(
          "take the mount points out of " + workspace.path(name),
          () -> {
            mountPoints.remove(name + "/" + UPPER);
            return name;
          });
    }

    @Override
    public LayerSource changes() {
      checkOpen();
      return new UpperChanges(
          workspace.handle(),
          name + "/" + UPPER,
          marks,
          lowers,
          rootBefore,
          found -> surplus = found);
    }

    @Override
    public void commit(Layer layer) throws IOException {
      checkOpen();
      UpperSurplus found = surplus;
      if (found == null) {
        throw new IllegalStateException("the changes were not read");
      }
      Failures.explained(
          "keep the changes of a step in " + workspace.path(name),
          () -> {
            try (DirectoryHandle own = workspace.handle().openDirectory(name)) {
              try (DirectoryHandle upper = own.openDirectory(UPPER)) {
                MountPoints.remove(upper);
                found.remove(upper, marks);
              }
              ended = true;
              layers.adopt(layer, own, UPPER, found.bytes(), found.facts());
            }
            return layer;
          });
    }

    @Override
    public void commitAltered(Layer layer) {
      checkOpen();
      ended = true;
    }

    private void checkOpen() {
      if (ended) {
        throw new IllegalStateException("the snapshot was committed or closed");
      }
    }

    @Override
    public void close() throws IOException {
      ended = true;
      workspace.remove(name);
    }
  }
}
