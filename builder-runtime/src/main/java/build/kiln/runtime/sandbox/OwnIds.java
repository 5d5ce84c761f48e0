package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The ID maps that a namespace of this process's gets.
 *
 * @param root whether this process is root in its own user namespace
 */
record OwnIds(boolean root, IdMap users, IdMap groups) {
  static OwnIds read() throws IOException {
    Path self = Path.of("/proc/self");
    String status = Files.readString(self.resolve("status"), StandardCharsets.ISO_8859_1);
    long uid = effective(status, "Uid:");
    boolean root = uid == 0;
    return new OwnIds(
        root,
        IdMap.nested(Files.readString(self.resolve("uid_map")), root, uid),
        IdMap.nested(Files.readString(self.resolve("gid_map")), root, effective(status, "Gid:")));
  }

  /** Real, effective, saved and file system ID follow the name. */
  private static long effective(String status, String name) throws IOException {
    return status
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.split("\\s+")[2]))
        .findFirst()
        .orElseThrow(() -> new IOException("/proc/self/status has no line " + name));
  }

  /** Writes both maps of the process's new user namespace. */
  void write(long pid) throws IOException {
    Path process = Path.of("/proc", Long.toString(pid));
    if (!root) {
      // Without capabilities a group may be mapped only by who gives up setgroups(2).
      Files.writeString(process.resolve("setgroups"), "deny");
    }
    users.write(process.resolve("uid_map"));
    groups.write(process.resolve("gid_map"));
  }
}
