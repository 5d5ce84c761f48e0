package build.kiln.runtime.store;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What an unpacked layer depends on besides the layer: how removals are marked, which IDs this
 * process has for those on disk, and the start of the machine. Trees of different forms lie in
 * different folders.
 */
final class KeptForm {
  /**
   * File systems of one machine that hold all that an unpacked layer has. What several machines use
   * at once has several of their starts.
   */
  private static final Set<String> LOCAL = Set.of("ext4", "xfs", "btrfs", "f2fs", "tmpfs");

  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
  private static final Path SELF = Path.of("/proc/self");
  private static final int LENGTH = 16;
  private static final int OCTAL_RADIX = 8;
  private static final Pattern OCTAL = Pattern.compile("\\\\([0-7]{3})");

  private KeptForm() {}

  /**
   * The folder of a form for a store on this folder's file system.
   *
   * @param marks how removals are marked
   * @throws IOException if the kernel does not tell what a form depends on
   */
  static String name(Path store, String marks) throws IOException {
    String mounts = Files.readString(SELF.resolve("mountinfo"), StandardCharsets.ISO_8859_1);
    boolean mapped = isIdMapped(mounts, store.toRealPath().toString());
    String form =
        String.join(
            "\n",
            "1",
            marks,
            ids(Files.readString(SELF.resolve("uid_map")), mapped),
            ids(Files.readString(SELF.resolve("gid_map")), mapped));
    return boot() + "-" + hash(form);
  }

  /** The start of the machine, as folders' names begin with it. */
  static String boot() throws IOException {
    return hash(Files.readString(BOOT));
  }

  private static String hash(String text) {
    return Digest.ofBytes(text.getBytes(StandardCharsets.UTF_8)).hex().substring(0, LENGTH);
  }

  /**
   * Which IDs on disk are which here. On a mount with mapped IDs (mount_setattr(2)), as kubelet
   * makes volumes for pods with user namespaces, those on disk are those here, wherever the pod's
   * are on the node.
   *
   * @param map of user_namespaces(7)
   */
  static String ids(String map, boolean mappedMount) {
    return map.lines()
        .map(line -> line.strip().split(" +"))
        .map(
            range ->
                mappedMount
                    ? range[0] + " " + range[2]
                    : range[0] + " " + range[1] + " " + range[2])
        .collect(Collectors.joining(",", mappedMount ? "mapped:" : "", ""));
  }

  /** Whether the mount that a path is on maps IDs, by the options in a {@code mountinfo}. */
  static boolean isIdMapped(String mountInfo, String path) {
    return mountInfo
        .lines()
        .map(line -> line.split(" "))
        .filter(fields -> fields.length > 5 && isAt(path, unescaped(fields[4])))
        // Of several on one point the last is seen.
        .reduce((a, b) -> unescaped(b[4]).length() >= unescaped(a[4]).length() ? b : a)
        .filter(fields -> List.of(fields[5].split(",")).contains("idmapped"))
        .isPresent();
  }

  /** As proc(5) writes spaces, tabs, line feeds and backslashes: three octal digits. */
  private static String unescaped(String field) {
    return OCTAL
        .matcher(field)
        .replaceAll(
            escape ->
                Matcher.quoteReplacement(
                    Character.toString(Integer.parseInt(escape.group(1), OCTAL_RADIX))));
  }

  private static boolean isAt(String path, String mountPoint) {
    return mountPoint.equals("/") || path.equals(mountPoint) || path.startsWith(mountPoint + "/");
  }

  /**
   * Whether a file system can hold unpacked layers for overlays: tried in an empty directory of it.
   */
  static boolean isPossible(Path directory, String marks) throws IOException {
    if (!LOCAL.contains(Files.getFileStore(directory).type())) {
      return false;
    }
    try (DirectoryHandle handle = DirectoryHandle.open(directory)) {
      handle.makeNode("whiteout", FileType.CHARACTER_DEVICE, 0, 0, 0);
      handle.unlink("whiteout");
      handle.setXattr(marks + "opaque", new byte[] {'y'});
      return true;
    } catch (PosixException refused) {
      return false;
    }
  }

  /** The folders of earlier starts of the machine, which nobody uses any more. */
  static List<Path> ofEarlierStarts(Path unpacked) {
    try (var folders = Files.list(unpacked)) {
      String now = boot() + "-";
      return folders
          .filter(folder -> !String.valueOf(folder.getFileName()).startsWith(now))
          .toList();
    } catch (IOException | UncheckedIOException none) {
      return List.of();
    }
  }
}
