package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** The base image of all workloads, unless another one is named: busybox and 120 MB of files. */
final class Base {
  static final String NAME = "base:1";
  private static final int FILES = 3_000;
  private static final long BYTES = 118_000_000;
  private static final int NOISE_PERCENT = 25;

  private Base() {}

  /**
   * Writes a context that makes it.
   *
   * @throws IOException if this machine has no static busybox
   */
  static void write(Path context) throws IOException, InterruptedException {
    Path busybox =
        Commands.find("busybox")
            .orElseThrow(() -> new IOException("no busybox: install busybox-static"));
    Path root = context.resolve("root");
    Path bin = Files.createDirectories(root.resolve("bin"));
    Files.copy(busybox, bin.resolve("busybox"));
    for (String applet : Commands.run(List.of(busybox.toString(), "--list")).split("\n", -1)) {
      if (!applet.isEmpty() && !applet.equals("busybox")) {
        Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
      }
    }
    for (String folder : List.of("dev", "proc", "sys", "run", "root", "etc")) {
      Files.createDirectories(root.resolve(folder));
    }
    Path tmp = Files.createDirectories(root.resolve("tmp"));
    Commands.run(List.of("chmod", "1777", tmp.toString()));
    for (String mountPoint : List.of("hosts", "resolv.conf", "hostname")) {
      Bytes.write(root.resolve("etc").resolve(mountPoint), "", Bytes.OLD);
    }
    Bytes.write(root.resolve("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n", Bytes.OLD);
    Bytes.write(root.resolve("etc/group"), "root:x:0:\n", Bytes.OLD);
    FileTree.write(root.resolve("usr/lib"), new Bytes(1), FILES, BYTES, NOISE_PERCENT);
    Bytes.write(
        context.resolve("Dockerfile"),
        "FROM scratch\nCOPY root /\nENV PATH=/usr/local/bin:/bin\nCMD [\"sh\"]\n",
        Bytes.OLD);
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
