package build.kiln.runtime.store;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Small values by key, a file each. A file is the digest of the rest, the key, and the value, a
 * line each but for the value: so a damaged one is seen, whatever it holds.
 */
final class Records {
  private static final int DIGEST_LENGTH = 64;

  private final LocalStore store;
  private final Path directory;

  /** A key and its value. */
  record Entry(String key, byte[] value) {}

  /** An entry and its file. */
  record Stored(Path file, Entry entry) {}

  Records(LocalStore store, Path directory) {
    this.store = store;
    this.directory = directory;
  }

  void put(String key, byte[] value) throws IOException {
    if (key.indexOf('\n') >= 0) {
      throw new IllegalArgumentException("a record's key is one line: " + key);
    }
    byte[] keyLine = ("\n" + key + "\n").getBytes(StandardCharsets.UTF_8);
    byte[] body = Arrays.copyOf(keyLine, keyLine.length + value.length);
    System.arraycopy(value, 0, body, keyLine.length, value.length);
    byte[] digest = Digest.ofBytes(body).hex().getBytes(StandardCharsets.US_ASCII);
    store.replace(file(key), digest, body);
  }

  Optional<byte[]> get(String key) {
    return read(file(key)).filter(entry -> entry.key.equals(key)).map(Entry::value);
  }

  List<Entry> list() throws IOException {
    var entries = new ArrayList<Entry>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      files.forEach(file -> read(file).ifPresent(entries::add));
    }
    return entries;
  }

  /** All entries with their files; damaged ones have an empty key. */
  List<Stored> stored() throws IOException {
    var stored = new ArrayList<Stored>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        stored.add(new Stored(file, read(file).orElse(new Entry("", new byte[0]))));
      }
    }
    return stored;
  }

  boolean remove(String key) throws IOException {
    try {
      Files.delete(file(key));
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  Path file(String key) {
    return directory.resolve(Digest.ofBytes(key.getBytes(StandardCharsets.UTF_8)).hex());
  }

  private static Optional<Entry> read(Path file) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException missing) {
      return Optional.empty();
    }
    if (bytes.length < DIGEST_LENGTH + 2) {
      return Optional.empty();
    }
    String digest = new String(bytes, 0, DIGEST_LENGTH, StandardCharsets.ISO_8859_1);
    byte[] body = Arrays.copyOfRange(bytes, DIGEST_LENGTH, bytes.length);
    if (!Digest.ofBytes(body).hex().equals(digest)) {
      return Optional.empty();
    }
    int end = 1;
    while (body[end] != '\n') {
      end++;
    }
    String key = new String(body, 1, end - 1, StandardCharsets.UTF_8);
    return Optional.of(new Entry(key, Arrays.copyOfRange(body, end + 1, body.length)));
  }
}
