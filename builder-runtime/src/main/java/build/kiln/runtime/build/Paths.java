package build.kiln.runtime.build;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.rootfs.Resolved;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/** Paths of an image or a context, followed as a process in a chroot follows them. */
final class Paths {
  private static final int MAX_LINKS = 40;

  /** What is at a path, without following a link there; the root is always a directory. */
  @FunctionalInterface
  interface Lookup {
    Optional<EntryMeta> at(String path) throws IOException;
  }

  private Paths() {}

  /** A path of a Dockerfile, against a working directory; without slashes at its ends. */
  static String absolute(String workdir, String path) {
    Deque<String> parts = new ArrayDeque<>();
    String whole = path.startsWith("/") ? path : workdir + "/" + path;
    for (String part : whole.split("/")) {
      if (part.equals("..")) {
        parts.pollLast();
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.addLast(part);
      }
    }
    return String.join("/", parts);
  }

  /**
   * Follows every symbolic link of a path, the last one too.
   *
   * @throws LayerException LINK_LOOP after 40 links
   */
  static Resolved resolve(Lookup files, String path) throws IOException {
    Deque<String> real = new ArrayDeque<>();
    Deque<String> missing = new ArrayDeque<>();
    Deque<String> left = new ArrayDeque<>();
    prepend(left, path);
    int links = 0;
    while (!left.isEmpty()) {
      String name = left.pop();
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        if (missing.pollLast() == null) {
          real.pollLast();
        }
        continue;
      }
      String at = LayerPaths.join(String.join("/", real), name);
      Optional<EntryMeta> found = missing.isEmpty() ? files.at(at) : Optional.empty();
      if (found.isEmpty()) {
        missing.addLast(name);
      } else if (found.get().kind() == Kind.SYMLINK) {
        if (++links > MAX_LINKS) {
          throw new LayerException(
              LayerException.Code.LINK_LOOP,
              "\"/%s\" leads through more than %d symbolic links, the last at \"/%s\""
                  .formatted(path, MAX_LINKS, at));
        }
        String target = String.valueOf(found.get().linkTarget());
        if (target.startsWith("/")) {
          real.clear();
        }
        prepend(left, target);
      } else {
        real.addLast(name);
      }
    }
    return new Resolved(String.join("/", real), String.join("/", missing));
  }

  private static void prepend(Deque<String> left, String path) {
    String[] parts = path.split("/");
    for (int i = parts.length - 1; i >= 0; i--) {
      left.push(parts[i]);
    }
  }
}
