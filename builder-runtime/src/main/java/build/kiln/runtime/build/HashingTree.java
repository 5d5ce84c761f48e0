package build.kiln.runtime.build;

import build.kiln.runtime.layer.BulkInputStream;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Rememberable;
import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A tree of files that hashes what is read of it, so that no file is read twice for its layer and
 * for its key. Directories are listed once: a key that was made of a listing and a layer that was
 * made of another would be kept as one, when somebody saves a file while the build goes on. For one
 * thread.
 */
final class HashingTree implements FileTree {
  private final FileTree tree;
  private final Map<String, byte[]> hashes = new HashMap<>();
  private final Map<String, List<EntryMeta>> listed = new HashMap<>();

  HashingTree(FileTree tree) {
    this.tree = tree;
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    return tree.lookup(path);
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    List<EntryMeta> known = listed.get(path);
    if (known == null) {
      known = List.copyOf(tree.children(path));
      listed.put(path, known);
    }
    return known;
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    InputStream content = tree.open(file);
    return hashes.containsKey(file.path()) ? content : new Hashed(content, file.path());
  }

  @Override
  public Optional<byte[]> knownHash(EntryMeta file) throws IOException {
    byte[] known = hashes.get(file.path());
    if (known != null) {
      return Optional.of(known);
    }
    Optional<byte[]> remembered = tree.knownHash(file);
    remembered.ifPresent(hash -> hashes.put(file.path(), hash));
    return remembered;
  }

  /** The SHA-256 of a file's content; reads it unless that was done before, and is remembered. */
  byte[] hash(EntryMeta file) throws IOException {
    Optional<byte[]> known = knownHash(file);
    if (known.isPresent()) {
      return known.get();
    }
    try (InputStream in = open(file)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return Objects.requireNonNull(hashes.get(file.path()));
  }

  /** Keeps the hash when it is read to its end. */
  private final class Hashed extends BulkInputStream {
    private final InputStream in;
    private final String path;
    private final MessageDigest hash = Digest.sha256();

    Hashed(InputStream in, String path) {
      this.in = in;
      this.path = path;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      int n = in.read(buffer, offset, length);
      if (n > 0) {
        hash.update(buffer, offset, n);
      } else if (n < 0 && !hashes.containsKey(path)) {
        byte[] digest = hash.digest();
        hashes.put(path, digest);
        if (in instanceof Rememberable source) {
          source.hashedTo(digest);
        }
      }
      return n;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
