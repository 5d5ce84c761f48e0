package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.RandomTrees;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Random;

/** What a step may do to its root, at random but by the seed alone. */
final class RandomChanges {
  private final long seed;
  private final Random random;
  private final DirectoryHandle root;
  private final List<String> directories = new ArrayList<>();
  private final List<String> others = new ArrayList<>();
  private int counter;

  private RandomChanges(DirectoryHandle root, long seed) {
    this.root = root;
    this.seed = seed;
    this.random = new Random(seed);
  }

  /** As a process in a mount: changes the root, then tells what is in it. */
  public static void main(String[] args) throws IOException {
    Path root = Path.of(args[0]);
    run(root, Long.parseLong(args[1]));
    try (var out = new ObjectOutputStream(Files.newOutputStream(Path.of(args[2])))) {
      out.writeObject(new HashMap<>(Trees.of(root)));
    }
  }

  static void run(Path root, long seed) throws IOException {
    if (seed == 0) {
      return;
    }
    try (DirectoryHandle handle = DirectoryHandle.open(root)) {
      var changes = new RandomChanges(handle, seed);
      for (int n = changes.random.nextInt(1, 25); n > 0; n--) {
        changes.scan();
        changes.tryChange();
      }
    }
  }

  /**
   * An overlay does not rename directories of lower layers (EXDEV; mv copies them then), and in a
   * user namespace it does not copy up sticky directories of others (EPERM).
   */
  private void tryChange() throws IOException {
    try {
      change();
    } catch (PosixException e) {
      if (e.errno() != Errno.EXDEV && e.errno() != Errno.EPERM) {
        throw e;
      }
    }
  }

  private void scan() throws IOException {
    directories.clear();
    others.clear();
    directories.add("");
    scan(root, "");
  }

  private void scan(DirectoryHandle directory, String path) throws IOException {
    for (DirectoryHandle.Entry entry : directory.entries()) {
      String child = LayerPaths.join(path, entry.name());
      if (StepPaths.contain(child)) {
        continue;
      }
      if (entry.status().isDirectory()) {
        directories.add(child);
        try (DirectoryHandle handle = directory.openDirectory(entry.name())) {
          scan(handle, child);
        }
      } else {
        others.add(child);
      }
    }
  }

  private String any(List<String> paths) {
    return paths.get(random.nextInt(paths.size()));
  }

  /** Any path but the root's; the root's if there is none. */
  private String any() {
    var all = new ArrayList<>(directories.subList(1, directories.size()));
    all.addAll(others);
    return all.isEmpty() ? "" : any(all);
  }

  private void change() throws IOException {
    String path = random.nextInt(3) == 0 || others.isEmpty() ? any() : any(others);
    String name = LayerPaths.name(path);
    int choice = random.nextInt(17);
    try (DirectoryHandle parent = root.openDirectory(LayerPaths.parent(path))) {
      if (choice < 4 || path.isEmpty()) {
        create();
      } else if (choice < 7) {
        if (!path.equals("etc")) {
          TreeRemover.remove(parent, name);
        }
      } else {
        modify(choice, parent, name, path);
      }
    }
  }

  private void modify(int choice, DirectoryHandle parent, String name, String path)
      throws IOException {
    FileStatus status = parent.status(name);
    boolean link = status.type() == FileType.SYMLINK;
    switch (choice) {
      case 7 -> {
        if (!link) {
          parent.chmod(name, random.nextInt(010000));
        }
      }
      case 8 -> parent.chown(name, random.nextInt(3), random.nextInt(70_000));
      case 9 -> parent.setTimes(name, random.nextInt(1_000_000), random.nextInt(1_000_000_000));
      case 10 -> {
        if (status.isDirectory() || status.type() == FileType.FILE) {
          parent.setXattr(name, "user.changed", new byte[] {(byte) random.nextInt()});
        }
        if (status.type() == FileType.FILE && random.nextBoolean()) {
          parent.setXattr(name, "security.capability", RandomTrees.capability(random));
        }
      }
      case 11 -> {
        // Overlay shows no common inode of links to what is no file.
        if (status.type() == FileType.FILE) {
          try (DirectoryHandle to = root.openDirectory(any(directories))) {
            to.makeLink(newName(), parent, name);
          }
        }
      }
      case 12, 13 -> rename(parent, name, path);
      case 14 -> {
        // Something of another kind, and perhaps back.
        if (!path.equals("etc")) {
          TreeRemover.remove(parent, name);
          if (!status.isDirectory() || random.nextBoolean()) {
            parent.makeDirectory(name, 0755);
            try (DirectoryHandle made = parent.openDirectory(name)) {
              createIn(made, "inside");
            }
          } else {
            createIn(parent, name);
          }
        }
      }
      case 15 -> {
        if (status.isDirectory()) {
          try (DirectoryHandle directory = parent.openDirectory(name)) {
            if (!path.equals("etc")) {
              TreeRemover.removeContents(directory);
            }
          }
        }
      }
      default -> {
        // Other content of the same size and time.
        if (status.type() == FileType.FILE && status.links() == 1 && status.size() > 0) {
          parent.unlink(name);
          try (FileHandle file = parent.createFile(name, 0640)) {
            byte[] content = new byte[(int) status.size()];
            random.nextBytes(content);
            file.write(content, 0, content.length);
            file.setTimes(status.mtimeSeconds(), status.mtimeNanos());
          }
        }
      }
    }
  }

  private void rename(DirectoryHandle parent, String name, String path) throws IOException {
    String target = any(directories);
    if (path.equals("etc") || (target + "/").startsWith(path + "/")) {
      return;
    }
    try (DirectoryHandle to = root.openDirectory(target)) {
      parent.rename(name, to, newName());
    }
  }

  private void create() throws IOException {
    try (DirectoryHandle directory = root.openDirectory(any(directories))) {
      createIn(directory, newName());
    }
  }

  private void createIn(DirectoryHandle directory, String name) throws IOException {
    switch (random.nextInt(6)) {
      case 0 -> directory.makeSymlink(name, "../" + newName());
      case 1 -> directory.makeNode(name, FileType.FIFO, 0600, 0, 0);
      // Where devices may be made.
      case 3 ->
          directory.makeNode(
              name,
              random.nextBoolean() ? FileType.CHARACTER_DEVICE : FileType.BLOCK_DEVICE,
              0640,
              1 + random.nextInt(300),
              random.nextInt(300));
      case 2 -> {
        directory.makeDirectory(name, 0711);
        try (DirectoryHandle made = directory.openDirectory(name)) {
          if (random.nextBoolean()) {
            createIn(made, newName());
          }
          made.chmod(random.nextInt(010000));
        }
      }
      default -> {
        try (FileHandle file = directory.createFile(name, 0600)) {
          byte[] content = new byte[random.nextInt(200)];
          random.nextBytes(content);
          file.write(content, 0, content.length);
          file.chown(random.nextInt(4), random.nextInt(4));
          file.chmod(random.nextInt(010000));
          if (random.nextInt(3) == 0) {
            file.setXattr("security.capability", RandomTrees.capability(random));
          }
        }
      }
    }
  }

  private String newName() {
    return "new" + seed + "-" + counter++ + (random.nextInt(4) == 0 ? "\udc80" : "");
  }
}
