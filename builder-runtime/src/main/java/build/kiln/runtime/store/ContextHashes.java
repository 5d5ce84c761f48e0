package build.kiln.runtime.store;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What is remembered of the files of a build context: a file for each folder that is one. Who reads
 * it must see for himself whether it is whole.
 */
public final class ContextHashes {
  static final String FOLDER = "contexts";

  private final LocalStore store;
  private final Path file;

  ContextHashes(LocalStore store, Path context) {
    this.store = store;
    byte[] name = context.toString().getBytes(StandardCharsets.UTF_8);
    this.file = store.root().resolve(FOLDER).resolve(Digest.ofBytes(name).hex());
  }

  /** What was saved last. */
  public Optional<ByteBuffer> load() throws IOException {
    store.mark(file);
    try (FileChannel channel = FileChannel.open(file)) {
      // Files are replaced and never cut, so what is mapped stays.
      return Optional.of(channel.map(MapMode.READ_ONLY, 0, channel.size()));
    } catch (NoSuchFileException none) {
      return Optional.empty();
    }
  }

  /** Puts it in the place of what was saved last. */
  public void save(byte[] content) throws IOException {
    store.replace(file, content);
  }
}
