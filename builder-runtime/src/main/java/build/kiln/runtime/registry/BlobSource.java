package build.kiln.runtime.registry;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Content that can be read from its start more than once: an upload that breaks starts again. */
@FunctionalInterface
public interface BlobSource {
  /** A new stream from the first byte on; the caller closes it. */
  InputStream open() throws IOException;

  static BlobSource of(byte[] bytes) {
    return () -> new ByteArrayInputStream(bytes);
  }

  static BlobSource of(Path file) {
    return () -> Files.newInputStream(file);
  }
}
