package build.kiln.runtime.posix;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Names that nobody else has, for files and folders that only their owner may write to. They are no
 * secrets: what makes secrets takes a process 10 ms to set up.
 */
public final class UniqueNames {
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private UniqueNames() {}

  /** 36 characters: hexadecimal digits and hyphens. */
  public static String next() {
    var random = ThreadLocalRandom.current();
    return new UUID(random.nextLong(), random.nextLong()).toString();
  }

  /** Makes a folder of the owner's alone whose name begins so, as for temporary files. */
  public static Path createDirectory(Path parent, String prefix) throws IOException {
    while (true) {
      String name = prefix + Long.toHexString(ThreadLocalRandom.current().nextLong());
      try {
        return Files.createDirectory(parent.resolve(name), OWNER_ONLY);
      } catch (FileAlreadyExistsException taken) {
        continue;
      }
    }
  }
}
