package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Mount points of a step in a directory that holds all files. What has to be seen at them is put in
 * place where nothing can be mounted; what is there is moved aside, and back afterwards. The times
 * of directories stay as they are. All of it goes beneath directory handles: a symbolic link is an
 * error.
 */
final class PlacedMounts {
  private final DirectoryHandle workspace;
  private final String root;

  /** Where things are moved aside; made when the first is. */
  private final String aside;

  private final List<String> made = new ArrayList<>();
  private final Set<String> hidden = new HashSet<>();
  private final Deque<Placed> placed = new ArrayDeque<>();
  private boolean asideMade;

  /**
   * Something put in place.
   *
   * @param replaced name of what was moved aside for it; null if nothing was there
   */
  private record Placed(MountPoint point, MountPoint.Content content, @Nullable String replaced) {}

  /**
   * @param root name of the root's directory in the workspace
   * @param aside a free name in it
   */
  PlacedMounts(DirectoryHandle workspace, String root, String aside) {
    this.workspace = workspace;
    this.root = root;
    this.aside = aside;
  }

  /** Directories that were made for mount points, and the points made. */
  Set<String> made() {
    return Set.copyOf(made);
  }

  /** What no index of the root is to have. */
  Set<String> hidden() {
    return hidden;
  }

  void place(List<MountPoint> points) throws IOException {
    try (DirectoryHandle directory = workspace.openDirectory(root)) {
      for (MountPoint point : points) {
        boolean inside = hidden.stream().anyMatch(outer -> point.path().startsWith(outer + "/"));
        if (point.content() != null || !inside) {
          place(directory, point);
        }
        hidden.add(point.path());
      }
    }
  }

  private void place(DirectoryHandle directory, MountPoint point) throws IOException {
    String name = LayerPaths.name(point.path());
    FileStatus top = directory.status();
    try (DirectoryHandle parent = parent(directory, point.path())) {
      FileStatus before = parent.status();
      Optional<FileStatus> present = parent.find(name);
      MountPoint.Content content = point.content();
      if (content != null) {
        String replaced = present.isPresent() ? moveAside(parent, name) : null;
        placed.push(new Placed(point, content, replaced));
        content.place(parent, name);
      } else if (present.isEmpty()) {
        made.add(point.path());
        if (point.directory()) {
          parent.makeDirectory(name, 0755);
        } else {
          parent.createFile(name, 0644).close();
        }
      }
      parent.setTimes(before.mtimeSeconds(), before.mtimeNanos());
    }
    directory.setTimes(top.mtimeSeconds(), top.mtimeNanos());
  }

  /** The directory above a point, made if need be. */
  private DirectoryHandle parent(DirectoryHandle directory, String path) throws IOException {
    DirectoryHandle at = directory.openDirectory("");
    String walked = "";
    String[] names = path.split("/");
    for (int i = 0; i < names.length - 1; i++) {
      walked = LayerPaths.join(walked, names[i]);
      try (DirectoryHandle above = at) {
        if (above.find(names[i]).isEmpty()) {
          FileStatus before = above.status();
          above.makeDirectory(names[i], 0700);
          above.chmod(names[i], 0755);
          above.setTimes(before.mtimeSeconds(), before.mtimeNanos());
          made.add(walked);
        }
        at = above.openDirectory(names[i]);
      } catch (PosixException e) {
        if (e.errno() == Errno.ELOOP || e.errno() == Errno.ENOTDIR) {
          throw new RootfsException(
              RootfsException.Code.UNSAFE,
              "cannot mount on /%s: /%s is no directory".formatted(path, walked),
              e);
        }
        throw e;
      }
    }
    return at;
  }

  private String moveAside(DirectoryHandle parent, String name) throws PosixException {
    if (!asideMade) {
      workspace.makeDirectory(aside, 0700);
      asideMade = true;
    }
    String kept = Integer.toString(placed.size());
    try (DirectoryHandle target = workspace.openDirectory(aside)) {
      parent.rename(name, target, kept);
    }
    return kept;
  }

  /** Takes everything away again and puts back what was there before. */
  void remove() throws IOException {
    try (DirectoryHandle directory = workspace.openDirectory(root)) {
      IOException failure = null;
      while (!placed.isEmpty()) {
        Placed last = placed.pop();
        try {
          take(directory, last);
        } catch (IOException e) {
          // The others, such as caches, have to be saved all the same.
          if (failure == null) {
            failure = e;
          } else {
            failure.addSuppressed(e);
          }
        }
      }
      if (failure != null) {
        throw failure;
      }
      EmptyEntries.remove(directory, made);
    }
    if (asideMade) {
      TreeRemover.remove(workspace, aside);
      asideMade = false;
    }
  }

  /** The step may have removed or replaced directories on the way: what was below them is gone. */
  private void take(DirectoryHandle directory, Placed last) throws IOException {
    String path = last.point.path();
    String name = LayerPaths.name(path);
    try (DirectoryHandle parent = DirectoryCache.open(directory, LayerPaths.parent(path))) {
      FileStatus before = parent.status();
      last.content.take(parent, name);
      TreeRemover.remove(parent, name);
      if (last.replaced != null) {
        try (DirectoryHandle source = workspace.openDirectory(aside)) {
          source.rename(last.replaced, parent, name);
        }
      }
      parent.setTimes(before.mtimeSeconds(), before.mtimeNanos());
    } catch (PosixException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENOTDIR && e.errno() != Errno.ELOOP) {
        throw e;
      }
    }
  }
}
