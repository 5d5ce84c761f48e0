package build.kiln.runtime.build;

import build.kiln.runtime.build.CopyStep.Origin;
import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.Resolved;
import build.kiln.runtime.rootfs.TreeCopy;
import java.io.IOException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Files of a stage, an image or the build context that a step is to see. */
final class MountSource {
  private final Origin origin;
  private final HashingTree tree;
  private final EntryMeta entry;
  private final FileInputs seen;
  private @Nullable String digest;

  private MountSource(Origin origin, EntryMeta entry, FileInputs seen) {
    this.origin = origin;
    this.tree = new HashingTree(origin.tree());
    this.entry = entry;
    this.seen = seen;
  }

  /**
   * Follows {@code source=} inside the tree: no link and no {@code ..} leads out of it.
   *
   * @param seen hears of the files once their content is read
   * @throws BuildException if it is not there
   */
  static MountSource of(
      Origin origin, Mount mount, Word spec, BuildSession session, FileInputs seen)
      throws IOException, BuildException {
    String path = Paths.absolute("/", mount.source() == null ? "" : mount.source());
    Resolved resolved = Paths.resolve(origin.tree()::lookup, path);
    if (!resolved.exists()) {
      throw MissingSource.of(spec, path, origin, session.contextTree());
    }
    return new MountSource(origin, origin.tree().lookup(resolved.real()).orElseThrow(), seen);
  }

  boolean isDirectory() {
    return entry.isDirectory();
  }

  /** The hash of all files of the stage or image; null for the context. */
  @Nullable String chain() {
    return origin.chain();
  }

  /** Where it is in its tree. */
  String path() {
    return entry.path();
  }

  /** The hash of the content, as COPY has it. */
  String digest() throws IOException {
    if (digest == null) {
      digest =
          HexFormat.of()
              .formatHex(
                  new ContentDigest(tree, origin.chain() != null, seen).of(entry, Selection.ALL));
    }
    return digest;
  }

  /** What two sources have in common that are the same to a step, times included. */
  String identity() throws IOException {
    return new KeyHash("mount-source.1").add(origin.words()).add(path()).add(digest()).hex();
  }

  /** Copies it to disk. What is from the context belongs to root. */
  void copy(DirectoryHandle parent, String name) throws IOException {
    TreeCopy.copy(tree, entry, parent, name, origin.chain() != null);
  }
}
