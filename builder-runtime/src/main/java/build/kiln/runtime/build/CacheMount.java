package build.kiln.runtime.build;

import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.Mount.Sharing;
import build.kiln.runtime.dockerfile.PredefinedArguments;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.rootfs.TreeCopy;
import build.kiln.runtime.sandbox.StepMount;
import build.kiln.runtime.store.CacheMounts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * {@code RUN --mount=type=cache}: a directory that survives builds. It belongs to an id, and as in
 * BuildKit also to what it starts with: files of a stage or an image, or an empty directory of an
 * owner and a mode. What is in it is no part of the step's key.
 */
final class CacheMount implements RunMount {
  private static final int DEFAULT_MODE = 0755;

  private final CacheMounts caches;
  private final Mount mount;
  private final SourceRange range;
  private final String written;
  private final String id;
  private final @Nullable MountSource start;
  private CacheMounts.@Nullable Lease lease;

  private CacheMount(
      CacheMounts caches,
      Mount mount,
      SourceRange range,
      String written,
      String id,
      @Nullable MountSource start) {
    this.caches = caches;
    this.mount = mount;
    this.range = range;
    this.written = written;
    this.id = id;
    this.start = start;
  }

  /**
   * @param origin what the cache starts with; null for an empty directory
   */
  static CacheMount of(
      BuildSession session,
      CopyStep.@Nullable Origin origin,
      Mount mount,
      Word spec,
      String workdir)
      throws IOException, BuildException {
    MountSource start =
        origin == null ? null : MountSource.of(origin, mount, spec, session, new FileInputs());
    if (start != null && !start.isDirectory()) {
      throw StepProblems.at(
          spec.range(),
          "a cache starts with a directory, and /%s is none".formatted(start.path()),
          null);
    }
    String written = RunMount.written(mount, workdir);
    String id = mount.id() != null ? mount.id() : mount.target() != null ? mount.target() : written;
    String namespace = session.request().buildArgs().get(PredefinedArguments.CACHE_NAMESPACE);
    return new CacheMount(
        session.store().cacheMounts(),
        mount,
        spec.range(),
        written,
        (namespace == null ? "" : namespace + "/") + cleaned(id),
        start);
  }

  /** Only a default id is a path, but a slash more or less makes no other cache. */
  private static String cleaned(String id) {
    return id.startsWith("/") ? "/" + Paths.absolute("/", id) : id;
  }

  @Override
  public SourceRange range() {
    return range;
  }

  @Override
  public String written() {
    return written;
  }

  @Override
  public boolean isDirectory() {
    return true;
  }

  @Override
  public void addTo(KeyHash hash) {
    hash.add("cache").add(written).add(key()).number(mount.readOnly() ? 1 : 0);
  }

  /** What the cache belongs to. */
  private String key() {
    var hash = new KeyHash("cache-mount.1").add(id);
    if (start != null) {
      hash.add("from").add(start.chain()).add(start.path());
    } else {
      hash.add("empty").add(mount.source());
    }
    if (mount.uid() != null || mount.gid() != null || mount.mode() != null) {
      hash.number(mount.userId()).number(mount.groupId()).number(mount.modeOr(DEFAULT_MODE));
    }
    return hash.hex();
  }

  /** Waits until the cache may be used. */
  @Override
  public boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity)
      throws IOException, InterruptedException {
    String key = key();
    CacheMounts.Lease opened = made.cache(key);
    if (opened == null) {
      opened =
          caches.open(
              new CacheMounts.Wanted(key, id, use(mounting)),
              this::start,
              () -> activity.note("waiting for the cache " + id + ", which another step uses"));
      made.hold(key, opened);
    }
    lease = opened;
    return true;
  }

  /** What is moved into a root cannot be shared. */
  private CacheMounts.Use use(boolean mounting) {
    return switch (mount.sharing()) {
      case SHARED -> mounting ? CacheMounts.Use.SHARED : CacheMounts.Use.LOCKED;
      case PRIVATE -> CacheMounts.Use.PRIVATE;
      case LOCKED -> CacheMounts.Use.LOCKED;
    };
  }

  /** One order for all steps, so that no two wait for each other; alone before shared. */
  @Override
  public String openingOrder() {
    return key() + (mount.sharing() == Sharing.SHARED ? 1 : 0);
  }

  /** What a new cache is like. */
  private void start(DirectoryHandle parent, String name) throws IOException {
    if (start != null) {
      start.copy(parent, name);
    } else {
      parent.makeDirectory(name, 0700);
    }
    if (start == null || mount.uid() != null || mount.gid() != null || mount.mode() != null) {
      parent.chown(name, mount.userId(), mount.groupId());
      parent.chmod(name, mount.modeOr(DEFAULT_MODE));
    }
  }

  @Override
  public void mount(MountTarget target, StepMounts made) {
    RunMount.add(
        target,
        true,
        new StepMount.Bind(
            "/" + target.path(), Objects.requireNonNull(lease).content(), mount.readOnly()),
        made);
  }

  @Override
  public void place(MountTarget target, StepMounts made) {
    CacheMounts.Lease opened = Objects.requireNonNull(lease);
    made.place(
        new MountPoint(
            target.path(), true, mount.readOnly() ? new Copied(opened) : new Moved(opened)));
  }

  /** The cache itself, for the time of the step; a copy of it where it is on another volume. */
  private static final class Moved implements MountPoint.Content {
    private final CacheMounts.Lease lease;
    private boolean copied;

    Moved(CacheMounts.Lease lease) {
      this.lease = lease;
    }

    @Override
    public void place(DirectoryHandle parent, String name) throws IOException {
      copied = !lease.moveTo(parent, name);
      if (copied) {
        copy(lease.content(), parent, name);
      }
    }

    @Override
    public void take(DirectoryHandle parent, String name) throws IOException {
      if (!copied) {
        lease.moveBack(parent, name);
      } else if (parent.find(name).filter(FileStatus::isDirectory).isPresent()) {
        // Not by its path, on which a step may have left anything.
        try (DirectoryHandle content = parent.openDirectory(name)) {
          lease.replace(
              (target, newName) -> copy(Path.of("/proc/self/fd/" + content.fd()), target, newName));
        }
      }
    }
  }

  /** A copy, since who is root may write to whatever is there. */
  private record Copied(CacheMounts.Lease lease) implements MountPoint.Content {
    @Override
    public void place(DirectoryHandle parent, String name) throws IOException {
      copy(lease.content(), parent, name);
    }
  }

  private static void copy(Path from, DirectoryHandle parent, String name) throws IOException {
    try (LocalContext files = LocalContext.open(from)) {
      FileTree tree = files.tree();
      TreeCopy.copy(tree, tree.lookup("").orElseThrow(), parent, name, true);
    }
  }
}
