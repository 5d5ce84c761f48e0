package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;

/** Blobs as files, so that images of any size need no heap: {@code blobs/sha256/<hex>}. */
final class FolderBlobs implements Blobs {
  private final Path blobs;
  private final Path uploads;

  FolderBlobs(Path folder) throws IOException {
    this.blobs = folder.resolve("blobs");
    this.uploads = Files.createDirectories(folder.resolve("uploads"));
    Files.createDirectories(blobs.resolve("sha256"));
    Files.createDirectories(blobs.resolve("sha512"));
  }

  private Path file(Digest digest) {
    return blobs.resolve(digest.algorithm()).resolve(digest.hex());
  }

  @Override
  public Optional<Stored> find(Digest digest) {
    Path file = file(digest);
    return Files.exists(file) ? Optional.of(new InFile(file)) : Optional.empty();
  }

  @Override
  public Upload begin() throws IOException {
    return new FileUpload(Files.createTempFile(uploads, "upload", ""));
  }

  private record InFile(Path file) implements Stored {
    @Override
    public long size() {
      try {
        return Files.size(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public InputStream open(long from) throws IOException {
      FileChannel channel = FileChannel.open(file);
      return Channels.newInputStream(channel.position(from));
    }
  }

  private final class FileUpload implements Upload {
    private final Path file;

    FileUpload(Path file) {
      this.file = file;
    }

    @Override
    public long size() {
      return new InFile(file).size();
    }

    @Override
    public OutputStream append() throws IOException {
      return new BufferedOutputStream(
          Files.newOutputStream(file, StandardOpenOption.APPEND), 1 << 17);
    }

    @Override
    public Digest digest(Digest like) throws IOException {
      MessageDigest hash = like.newHash();
      byte[] buffer = new byte[1 << 17];
      try (InputStream in = Files.newInputStream(file)) {
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          hash.update(buffer, 0, n);
        }
      }
      return new Digest(like.algorithm(), HexFormat.of().formatHex(hash.digest()));
    }

    @Override
    public void commit(Digest digest) throws IOException {
      Files.move(file, file(digest), StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void discard() throws IOException {
      Files.deleteIfExists(file);
    }
  }
}
