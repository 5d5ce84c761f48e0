package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the sandbox puts into a root of the chroot tier while a step runs. All of it goes beneath
 * handles of directories: a root may hold symbolic links that lead anywhere.
 */
final class ChrootRoot implements AutoCloseable {
  private static final String DEV = "dev";

  /** Minor numbers of major 1, in this order from zero; memory devices of null(4), random(4). */
  private record Node(String name, int major, int minor) {}

  private static final List<Node> NODES =
      List.of(
          new Node("null", 1, 3),
          new Node("zero", 1, 5),
          new Node("full", 1, 7),
          new Node("random", 1, 8),
          new Node("urandom", 1, 9),
          new Node("tty", 5, 0));

  private final Path root;

  private ChrootRoot(Path root) {
    this.root = root;
  }

  static ChrootRoot prepare(
      Path root, ChrootTools tools, HostFiles hostFiles, boolean deviceNodes, Command command)
      throws IOException, SandboxException {
    try (DirectoryHandle handle = DirectoryHandle.open(root);
        DirectoryHandle etc = directory(handle, "etc", 0755);
        DirectoryHandle dev = directory(handle, DEV, 0755)) {
      provide(etc, "resolv.conf", hostFiles.resolvConf());
      provide(etc, "hosts", hostFiles.hosts());
      TreeRemover.removeContents(dev);
      for (Node node : NODES) {
        if (deviceNodes) {
          dev.makeNode(node.name, FileType.CHARACTER_DEVICE, 0666, node.major, node.minor);
        } else {
          dev.createFile(node.name, 0666).close();
        }
        dev.chmod(node.name, 0666);
      }
      directory(dev, "shm", 01777).close();
      try (DirectoryHandle copies =
          directory(dev, Path.of(ChrootTools.DIRECTORY).getFileName().toString(), 0755)) {
        tools.setpriv().copyTo(copies);
        tools.env().copyTo(copies);
        if (!command.secrets().isEmpty()) {
          tools.inner().copyTo(copies);
          secrets(copies, command);
        }
      }
      for (StepFile file : command.files()) {
        write(dev, file);
      }
    }
    return new ChrootRoot(root);
  }

  /** For the step's user alone, who sees them in its environment as well. */
  private static void secrets(DirectoryHandle copies, Command command)
      throws IOException, SandboxException {
    byte[] script = ChrootTools.secrets(command);
    try (FileHandle file = copies.createFile(ChrootTools.SECRETS, 0600)) {
      file.write(script, 0, script.length);
      file.chown(command.uid(), command.gid());
      file.chmod(0400);
    }
  }

  private static void write(DirectoryHandle dev, StepFile file) throws IOException {
    String[] names = file.path().substring(("/" + DEV + "/").length()).split("/");
    DirectoryHandle parent = dev.openDirectory("");
    try {
      for (int i = 0; i < names.length - 1; i++) {
        DirectoryHandle child = directory(parent, names[i], 0755);
        parent.close();
        parent = child;
      }
      replace(parent, names[names.length - 1], file.content(), file.mode());
    } finally {
      parent.close();
    }
  }

  /** Opens a directory, making it if there is none; ELOOP if it is a symbolic link. */
  private static DirectoryHandle directory(DirectoryHandle parent, String name, int mode)
      throws IOException {
    Optional<FileStatus> present = parent.find(name);
    if (present.isEmpty()) {
      parent.makeDirectory(name, 0700);
      parent.chmod(name, mode);
    }
    return parent.openDirectory(name);
  }

  /** In place if that can be done: a directory whose times change is a change of the step. */
  private static void provide(DirectoryHandle directory, String name, byte[] content)
      throws IOException {
    Optional<FileStatus> present = directory.find(name);
    if (present.filter(s -> s.type() == FileType.FILE && s.links() == 1).isEmpty()) {
      replace(directory, name, content, 0644);
      return;
    }
    try (FileHandle file = directory.openFileForWriting(name)) {
      file.truncate(0);
      file.write(content, 0, content.length);
      file.chown(0, 0);
      file.chmod(0644);
    }
  }

  private static void replace(DirectoryHandle directory, String name, byte[] content, int mode)
      throws IOException {
    TreeRemover.remove(directory, name);
    try (FileHandle file = directory.createFile(name, 0600)) {
      file.write(content, 0, content.length);
      file.chmod(mode);
    }
  }

  /** Empties /dev: its files have what steps wrote to them where they are no devices. */
  @Override
  public void close() throws IOException {
    try (DirectoryHandle handle = DirectoryHandle.open(root)) {
      Optional<FileStatus> dev = handle.find(DEV);
      if (dev.isPresent() && dev.get().isDirectory()) {
        try (DirectoryHandle contents = handle.openDirectory(DEV)) {
          TreeRemover.removeContents(contents);
        }
      }
    }
  }
}
