package build.kiln.runtime.bench;

import java.nio.file.Path;

/**
 * Where a build is done: one disk with all that it reads and writes.
 *
 * @param disk the mounted file system
 * @param port the registry's, on loopback
 */
record Site(Path disk, int port) {
  /** The builder's own, nobody else looks into it. */
  Path state() {
    return disk.resolve("state");
  }

  Path context() {
    return disk.resolve("context");
  }

  Path registryData() {
    return disk.resolve("registry");
  }

  /** A name in the registry. */
  String image(String name) {
    return "127.0.0.1:" + port + "/" + name;
  }
}
